/** Whether a user's function answered with a promise, or with what passes for one. */
export function isThenable (value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value != null && 'then' in value && typeof value.then === 'function'
}
