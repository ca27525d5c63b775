export interface Idler {
  lastActivity: number
  older: Idler | undefined
  newer: Idler | undefined
}

/**
 * Who was active when, longest ago first. Activity moves to the end, so that asking who is idle costs as much as there are idle ones.
 */
export class IdleQueue<Member extends Idler> {
  #oldest: Idler | undefined
  #newest: Idler | undefined

  /** Whoever was active longest ago. */
  get oldest (): Member | undefined {
    return this.#oldest as Member | undefined
  }

  /** Adds who is not in. Times never go back. */
  add (member: Member, now: number): void {
    member.lastActivity = now
    member.older = this.#newest
    member.newer = undefined
    if (this.#newest == null) this.#oldest = member
    else this.#newest.newer = member
    this.#newest = member
  }

  /** Only who is in. */
  remove (member: Member): void {
    const { older, newer } = member

    if (older == null) this.#oldest = newer
    else older.newer = newer
    if (newer == null) this.#newest = older
    else newer.older = older
    member.older = undefined
    member.newer = undefined
  }

  touch (member: Member, now: number): void {
    if (this.#newest === member) {
      member.lastActivity = now
    } else {
      this.remove(member)
      this.add(member, now)
    }
  }

  /** Those whose last activity is more than `timeout` ago, longest first. */
  idle (timeout: number, now: number): Member[] {
    const idle: Member[] = []

    for (let member = this.#oldest; member != null && now - member.lastActivity > timeout; member = member.newer) {
      idle.push(member as Member)
    }

    return idle
  }
}
