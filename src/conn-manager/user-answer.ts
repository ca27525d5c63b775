/**
 * What a user's function returned. An async one has answered nothing that we wait for, and when it rejects nobody else would catch it: in Node that
 * ends the process.
 */
export function answered<T> (answer: T): T {
  if (answer instanceof Promise) answer.catch(() => {})

  return answer
}
