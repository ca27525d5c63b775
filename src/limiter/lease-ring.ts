import { HeldLease } from './held-lease.ts'

/** The leases that are out, oldest first. A ring through the leases themselves, so that one is let go without a look at the others. */
export class LeaseRing {
  /** The ring begins and ends here. */
  readonly #ends = new HeldLease(undefined, undefined, 0)

  add (lease: HeldLease): void {
    const ends = this.#ends

    lease.previous = ends.previous
    lease.next = ends
    ends.previous.next = lease
    ends.previous = lease
  }

  delete (lease: HeldLease): void {
    lease.previous.next = lease.next
    lease.next.previous = lease.previous
    // a dead lease in the old generation would keep its neighbour alive, and that one its own, until the next full collection
    lease.next = lease.previous = lease
  }

  all (): HeldLease[] {
    const all: HeldLease[] = []
    for (let lease = this.#ends.next; lease !== this.#ends; lease = lease.next) all.push(lease)
    return all
  }
}
