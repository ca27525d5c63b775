import { RangeTableBuilder } from './range-table-builder.ts'
import { RangeTable } from './range-table.ts'
import { Segments } from './segments.ts'
import type { Cidr } from '../address/cidr.ts'
import type { Ip } from '../address/ip.ts'
import type { RangeSink } from './list-text.ts'
import type { Pause } from './range-sort.ts'

/** No range that providers hand out or route is longer: half of an IPv6 address is all that most lists need. */
const WIDE_LENGTH = 64

/** A whole list, frozen. */
export class ListTables {
  readonly #ipv4: RangeTable
  /** Of IPv6, up to a /64 and beyond. */
  readonly #wide6: RangeTable
  readonly #narrow6: RangeTable

  constructor (ipv4: RangeTable, wide6: RangeTable, narrow6: RangeTable) {
    this.#ipv4 = ipv4
    this.#wide6 = wide6
    this.#narrow6 = narrow6
  }

  get ipv4 (): number {
    return this.#ipv4.size
  }

  get ipv6 (): number {
    return this.#wide6.size + this.#narrow6.size
  }

  get size (): number {
    return this.ipv4 + this.ipv6
  }

  /** @returns the length of the longest prefix that holds the address; -1 when none does */
  match (ip: Ip): number {
    if (ip.family === 4) return this.#ipv4.match(ip)
    const length = this.#narrow6.match(ip)
    return length === -1 ? this.#wide6.match(ip) : length
  }

  * ranges (): Generator<Cidr, void, undefined> {
    for (const table of [this.#ipv4, this.#wide6, this.#narrow6]) {
      for (let row = 0; row < table.size; row++) yield table.range(row)
    }
  }
}

export const NO_TABLES = new ListTables(
  new RangeTable(1, new Uint32Array(0), new Segments(new Uint32Array(0), new Uint8Array(0))),
  new RangeTable(2, new Uint32Array(0)),
  new RangeTable(4, new Uint32Array(0))
)

/** Takes ranges in any order. */
export class ListTablesBuilder implements RangeSink {
  readonly #ipv4 = new RangeTableBuilder(1)
  readonly #wide6 = new RangeTableBuilder(2)
  readonly #narrow6 = new RangeTableBuilder(4)

  /** Ranges that were added, doubles among them. */
  get size (): number {
    return this.#ipv4.size + this.#wide6.size + this.#narrow6.size
  }

  add (ip: Ip, length: number): void {
    if (ip.family === 4) this.#ipv4.add(length, ip.bits)
    else if (length <= WIDE_LENGTH) this.#wide6.add(length, ip.a, ip.b)
    else this.#narrow6.add(length, ip.a, ip.b, ip.c, ip.d)
  }

  /** @param pause - awaited between slices of the work */
  async build (pause: Pause): Promise<ListTables> {
    return new ListTables(await this.#ipv4.build(pause), await this.#wide6.build(pause), await this.#narrow6.build(pause))
  }
}
