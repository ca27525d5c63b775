import { formatDuration } from './duration.ts'
import { FLAG_DEFAULTS as defaults } from './flags.ts'

export const HELP = `libp2p-connmgr: a libp2p node on loopback, guarded before your eyes

Real visitors dial it from a second process: some are tagged, two are protected, most come
and go, one address floods and one is blocked. With --listen it is guarded for peers of your own.

  --duration <time>      how long to run, like 500ms, 20s or 2m (${formatDuration(defaults.duration)}; with --listen until Ctrl-C)
  --low <n>              a trim goes down to this many connections (${defaults.low})
  --high <n>             a trim becomes due above this many (${defaults.high}); of one mark given, the other is derived
  --grace <time>         connections younger than this are not trimmed (${formatDuration(defaults.gracePeriod)})
  --silence <time>       least time between two trims (${formatDuration(defaults.silencePeriod)})
  --max-per-ip <n>       connections from one address (${defaults.maxPerIp})
  --peers <n>            visitors beside the flood and the blocked one (${defaults.peers})
  --listen <multiaddr>   listen here, for peers of your own; may be repeated
  --json                 one JSON object per line, the summary last
  -h, --help             these lines
`
