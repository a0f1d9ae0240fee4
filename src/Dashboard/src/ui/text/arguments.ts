/** The arguments of a command line: blanks separate them, quotes keep blanks, as in a shell. Null for an open quote. */
export function argumentsOf(line: string): string[] | null {
  const found: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const sign = line.charAt(i);
    if (quote !== '' && sign === quote) quote = '';
    else if (sign === '\\' && quote !== "'" && (quote === '' || '"\\'.includes(line.charAt(i + 1) || ' ')))
      word = (word ?? '') + line.charAt(++i);
    else if (quote === '' && (sign === '"' || sign === "'")) {
      quote = sign;
      word ??= '';
    } else if (quote === '' && /\s/.test(sign)) {
      if (word !== null) found.push(word);
      word = null;
    } else word = (word ?? '') + sign;
  }
  if (quote !== '') return null;
  return word === null ? found : [...found, word];
}
