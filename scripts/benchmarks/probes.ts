/** The recipe's three probes. */
export function probes(root: string): string {
  const pattern = `${root}/py[0-9]*/bin/python.*_actor_child_main|subint-forkserv`;
  return `ss -tlnp 2>/dev/null | grep ':1616' || echo 'TCP :1616 free'
pgrep -af "${pattern}" | grep -v 'grep\\|pgrep' || echo 'no leaked actor procs from this repo'
ls -la /tmp/registry@*.sock 2>/dev/null || echo 'no leaked UDS registry sockets'`;
}
