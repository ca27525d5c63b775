/** A chart brings its own ground, so that it can be read on any page, and follows the reader's light or dark. */
const STYLE = `
.ground{fill:#fff}.text{fill:#1f2328}.faint{fill:#59636e}.rule{stroke:#d1d9e0;stroke-width:1}
.s0{--c:#0969da}.s1{--c:#bc4c00}.s2{--c:#8250df}.s3{--c:#1a7f37}.s4{--c:#bf3989}.s5{--c:#59636e}.s6{--c:#9a6700}.s7{--c:#6e7781}
.bar,.dot{fill:var(--c)}.line{fill:none;stroke:var(--c);stroke-width:2}.line.floor{stroke-dasharray:5 4}.bar.floor{opacity:.6}.whisker{stroke:#1f2328;stroke-width:1}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#f0f6fc}.faint{fill:#9198a1}.rule{stroke:#3d444d}.whisker{stroke:#f0f6fc}
.s0{--c:#4493f8}.s1{--c:#f0883e}.s2{--c:#ab7df8}.s3{--c:#3fb950}.s4{--c:#db61a2}.s5{--c:#9198a1}.s6{--c:#d29922}.s7{--c:#818b98}}
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}.title{font-weight:600;font-size:15px}.small{font-size:12px}
`

export const SERIES = 8

/** What is read out where the picture is not seen is its title. */
export function svg (width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>\n'
  ].join('\n')
}

export function text (x: number, y: number, value: string, look = 'text', anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${look}" text-anchor="${anchor}">${escaped(value)}</text>`
}

export function round (value: number): number {
  return Math.round(value * 10) / 10
}

/** As a picture's label has it: 1,200 as 1.2k. */
export function short (value: number): string {
  const [unit, divisor] = value >= 1e9 ? ['G', 1e9] as const : value >= 1e6 ? ['M', 1e6] as const : value >= 1e3 ? ['k', 1e3] as const : ['', 1] as const

  return `${Number((value / divisor).toPrecision(3))}${unit}`
}

function escaped (value: string): string {
  return value.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
