/**
 * A program that serves whoever asks for it, whoever woke it: what started it need not be the only
 * one that uses it.
 */
export interface SharedDaemonRow {
  /** What it is called, by people. */
  readonly name: string;
  /** `program`: the kernel's name, or the name of its file; `words`: its command line. */
  readonly where: "program" | "words";
  readonly pattern: RegExp;
  /** Words with which it serves one program alone. */
  readonly unless?: RegExp;
  readonly reason: string;
}

/** A browser that a test drives has one of these. */
const DRIVEN =
  /--headless|--remote-debugging-(port|pipe)|--marionette|--enable-automation|--test-type|--type=/;

/** Matches any of these patterns of names as a whole. */
function named(patterns: string): RegExp {
  return new RegExp(`^(${patterns.trim().split(/\s+/).join("|")})$`);
}

/**
 * Daemons that a test merely woke. A process of one of these carries the environment of the test
 * that happened to need it first; it stays, and so does what it starts. Names are cut at 15
 * characters, as the kernel does.
 */
export const SHARED_DAEMONS = [
  {
    name: "a key agent",
    where: "program",
    pattern: /^(gpg-agent|scdaemon|dirmngr|keyboxd)$/,
    reason: "keeps keys for the whole session",
  },
  {
    name: "an SSH agent",
    where: "program",
    pattern: /^(ssh-agent|ssh-pageant)$/,
    reason: "keeps keys for the whole session",
  },
  {
    name: "a shared SSH connection",
    where: "words",
    pattern: /^ssh: .* \[mux\]/,
    reason: "other connections go through it",
  },
  {
    name: "a keyring",
    where: "program",
    pattern: /^(gnome-keyring-d.*|kwalletd\d?|kwalletd\d\.exe)$/,
    reason: "keeps secrets for the whole session",
  },
  {
    name: "a service of git's",
    where: "words",
    pattern: new RegExp(
      String.raw`\bgit(-\S+)? (.* )?(maintenance run|gc --auto|credential-cache--daemon|` +
        String.raw`fsmonitor--daemon|credential-store)\b|git-credential-cache--daemon`,
    ),
    reason: "git starts it for the repository or the user",
  },
  {
    name: "watchman",
    where: "program",
    pattern: /^watchman(ctl)?$/,
    reason: "watches files for all programs of the user",
  },
  {
    name: "a terminal multiplexer",
    where: "program",
    pattern: /^(tmux.*|screen|SCREEN|dtach|abduco|zellij|mosh-server)$/,
    reason: "somebody works in it",
  },
  {
    name: "a message bus",
    where: "program",
    pattern: named(`
      dbus-daemon dbus-launch dbus-broker.* at-spi-bus-laun.* at-spi2-registr.* gvfsd.*
      dconf-service xdg-.* ibus-.*
    `),
    reason: "serves the desktop session",
  },
  {
    name: "a sound server",
    where: "program",
    pattern: /^(pulseaudio|pipewire.*|wireplumber|jackd)$/,
    reason: "serves the desktop session",
  },
  {
    name: "dmypy",
    where: "words",
    pattern: /\b(dmypy|mypy\.dmypy(_server)?)\b/,
    reason: "checks types for all who ask",
  },
  {
    name: "a build server",
    where: "words",
    pattern: new RegExp(
      String.raw`\b(GradleDaemon|KotlinCompileDaemon|BuckDaemon|buckd|mvndaemon|pantsd|` +
        String.raw`XServerBoot|sbt-launch)\b|^bazel\(|\bMSBuild\.dll .*nodemode|VBCSCompiler`,
    ),
    reason: "builds for all projects of the user",
  },
  {
    name: "a compiler cache",
    where: "program",
    pattern: /^(sccache|ccache|distccd|iceccd|icecc-scheduler|goma_ctl|crsh)$/,
    reason: "shared by all builds",
  },
  {
    name: "a tool's server",
    where: "words",
    pattern:
      /\b(turbo daemon|nx\/src\/daemon|eslint_d|prettierd|ruff server|gopls|rust-analyzer)\b/,
    reason: "editors share it",
  },
  {
    name: "a language server",
    where: "words",
    pattern: /\b(pyright|basedpyright)-langserver\b|-language-server\b|\b(pylsp|ty server)\b/,
    reason: "editors share it",
  },
  {
    name: "adb",
    where: "words",
    pattern: /(^|\/)adb (.* )?(fork-server|server|start-server)\b/,
    reason: "holds the devices for all who use them",
  },
  {
    name: "a container engine",
    where: "program",
    pattern: named(`
      dockerd.* docker-proxy containerd.* conmon(rs)? podman catatonit rootlesskit.* buildkitd
      crio libvirtd virt(qemu|log)d VBoxSVC VBoxXPCOMIPCD colima limactl
    `),
    reason: "containers and machines of others depend on it",
  },
  {
    name: "an editor's server",
    where: "words",
    pattern: /(^|\/)emacs\S* (.* )?--?(fg-|bg-)?daemon\b|\/\.vscode-server\//,
    reason: "somebody edits in it",
  },
  {
    name: "a desktop program",
    where: "program",
    pattern: named(`
      firefox.* chrome chromium.* google-chrome.* brave.* opera msedge thunderbird.* code
      gnome-terminal-.* konsole xterm kitty alacritty wezterm.*
    `),
    unless: DRIVEN,
    reason: "somebody may work in it",
  },
] as const satisfies readonly SharedDaemonRow[];
