/**
 * A place that was taken and must be given back.
 *
 * Releasing twice, late, or after the limiter's configuration changed is harmless: the first call gives the place back, every
 * other one does nothing.
 */
export interface Lease extends Disposable {
  /** The client whose place it is, as text. */
  readonly key: string

  /** Epoch ms at which it was taken. */
  readonly since: number

  readonly released: boolean

  /** @returns whether this call gave the place back */
  release (): boolean
}
