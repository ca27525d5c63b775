// Draws `docs/run.svg` from a real run of the main job's node and visitors, looked at ten times a second:
//
//   npm run picture

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { FLAG_DEFAULTS } from '../src/cli/flags.ts'
import { startGuardedNode } from '../src/cli/guarded-node.ts'
import { loadNodePackages } from '../src/cli/packages.ts'
import { forkVisitors } from '../src/cli/visitor-process.ts'
import { connManager, connectionGater, connectionManagerDefaults } from '../src/index.ts'
import { drawRun } from './run-chart.ts'
import type { Facts } from '../src/cli/run-tally.ts'

const LENGTH = 20_000
const STEP = 100

const options = { ...FLAG_DEFAULTS, json: false }
const guarded = await startGuardedNode({ connManager, connectionGater, connectionManagerDefaults }, await loadNodePackages(), options)
const [tcp = '', ws = ''] = guarded.addresses
const visitors = forkVisitors({ peers: options.peers, maxPerIp: options.maxPerIp, tcp, ws })

guarded.know(await visitors.introduction)
visitors.welcome()

const opened = performance.now()
const samples: Facts[] = []

for (let at = 0; at <= LENGTH; at += STEP) {
  await setTimeout(Math.max(0, opened + at - performance.now()))
  samples.push(guarded.facts(at))
}

await guarded.stop()
await visitors.stop()
writeFileSync(fileURLToPath(new URL('run.svg', import.meta.url)), drawRun(samples))
