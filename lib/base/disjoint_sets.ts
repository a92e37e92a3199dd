/** Sets that are joined step by step, each named by one of its members. */
export class DisjointSets<Member> {
  readonly #leaders = new Map<Member, Member>();

  /** The member that names the set of this one. */
  leaderOf(member: Member): Member {
    let leader = member;
    for (let next; (next = this.#leaders.get(leader)) !== undefined;) leader = next;
    if (leader !== member) this.#leaders.set(member, leader);
    return leader;
  }

  /** Joins the sets of two members; the set keeps the name of the first. */
  join(one: Member, other: Member): void {
    const [first, second] = [this.leaderOf(one), this.leaderOf(other)];
    if (first !== second) this.#leaders.set(second, first);
  }
}
