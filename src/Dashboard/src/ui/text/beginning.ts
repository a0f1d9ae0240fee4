/** The first words of a long text: a cut within a word could turn one file name into another. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most + 1).search(/\s\S*$/);
  return cut > 0
    ? text.slice(0, cut).trimEnd()
    : text.slice(0, /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most);
}
