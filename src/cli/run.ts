import { systemClock } from '../clock/system-clock.ts'
import { startGuardedNode } from './guarded-node.ts'
import { assertLoopback } from './loopback.ts'
import { loadNodePackages } from './packages.ts'
import { RunClock } from './run-clock.ts'
import { sleep } from './sleep.ts'
import { BLOCKED_ADDRESS } from './visitor-plan.ts'
import { forkVisitors } from './visitor-process.ts'
import type { Ending } from './ending.ts'
import type { RunOptions } from './flags.ts'
import type { GuardedNode } from './guarded-node.ts'
import type { Library } from './library.ts'
import type { Reporter } from './reporter.ts'
import type { EndReason } from './scoreboard.ts'
import type { VisitorProcess } from './visitor-process.ts'

/** With the time that the visitors may take to leave, a stop stays within two seconds. */
const STOP_WITHIN = 1_200

/** Guards a node until `ending` has a reason, and leaves nothing behind, whatever the reason. */
export async function run (library: Library, options: RunOptions, reporter: Reporter, ending: Ending): Promise<EndReason> {
  const guarded = await startGuardedNode(library, await loadNodePackages(), options)
  let visitors: VisitorProcess | undefined
  const clock = new RunClock(systemClock)

  try {
    visitors = await inviteVisitors(guarded, options)
    openDoors().catch(error => { ending.fail(error) })

    const ended = await ending.reason
    const facts = guarded.facts(clock.elapsed())

    await stopInTime(guarded)
    reporter.closing({ ...facts, ended, left: guarded.left() })
    return ended
  } finally {
    await Promise.all([stopInTime(guarded), visitors?.stop()])
  }

  async function openDoors (): Promise<void> {
    const guests = await visitors?.introduction
    if (ending.over) return

    const { peerId, addresses } = guarded
    reporter.opening({ peerId, addresses, ...visitors != null && { visitors: { peers: options.peers, pid: visitors.pid } } })
    systemClock.after(options.duration, () => { ending.end('duration') })
    clock.begin()
    clock.eachSecond(() => {
      if (!ending.over) reporter.second(guarded.facts(clock.elapsed()))
      return !ending.over
    })

    if (guests != null) guarded.know(guests)
    visitors?.welcome()
    await visitors?.ended.then(() => { ending.end('visitors-lost') })
  }
}

async function inviteVisitors ({ addresses }: GuardedNode, { peers, maxPerIp }: RunOptions): Promise<VisitorProcess | undefined> {
  if (peers === 0) return

  await assertLoopback(BLOCKED_ADDRESS)

  const [tcp = '', ws = tcp] = addresses
  return forkVisitors({ peers, maxPerIp, tcp, ws })
}

async function stopInTime (guarded: GuardedNode): Promise<void> {
  await Promise.race([guarded.stop(), sleep(STOP_WITHIN)])
}
