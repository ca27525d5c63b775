import { afterEach } from 'vitest'

interface Stoppable {
  stop (): unknown
}

/** Notes what is started in a test, and stops all of it after each test of the file. */
export function stoppedAfter (): <S extends Stoppable>(started: S) => S {
  const all: Stoppable[] = []

  afterEach(async () => {
    await Promise.all(all.splice(0).map(async each => each.stop()))
  })

  return started => {
    all.push(started)
    return started
  }
}
