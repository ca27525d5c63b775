import { expect, it } from 'vitest'
import { parseGate } from '../../src/limiter/gate-options.ts'
import { ofBothFamilies } from '../../src/limiter/client-rates.ts'
import { RequestQuotas } from '../../src/limiter/request-quotas.ts'
import type { Requester } from '../../src/limiter/request-quotas.ts'
import type { Rate } from '../../src/limiter/rate.ts'

it('gives back what a connection counts in, of the configured rate and of those that came with calls', () => {
  const [client, call] = [100, 1].map((limit): Rate => ({ strategy: 'fixed-window', limit, window: 1_000 })) as [Rate, Rate]
  const quotas = new RequestQuotas(parseGate({}), ofBothFamilies(client), () => false)
  const rowsOf = ({ row, callRows }: Requester) => [row, ...callRows!.values()]
  const comes = (): Requester => {
    const requester: Requester = { ip: undefined, row: quotas.add(), callRows: undefined }
    expect(quotas.take(requester, '/', 0, call)).toBeUndefined()
    expect(quotas.take(requester, '/', 0, call)).toMatchObject({ reason: 'request-rate', limit: 1 })
    return requester
  }

  const [first, second] = [comes(), comes()]
  quotas.remove(first)
  expect(rowsOf(comes())).toEqual(rowsOf(first))
  quotas.remove(second)
  expect(rowsOf(comes())).toEqual(rowsOf(second))
})
