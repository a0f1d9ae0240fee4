/** `950`, `12.3k`, `4.56M`: a number of tokens, short enough for a badge. */
export function tokensText(tokens: number): string {
  if (tokens < 1000) return String(tokens);
  if (tokens < 99_950) return `${(tokens / 1000).toFixed(1)}k`;
  if (tokens < 999_500) return `${Math.round(tokens / 1000)}k`;
  if (tokens < 999_500_000) return `${(tokens / 1e6).toFixed(tokens < 9_995_000 ? 2 : 1)}M`;
  return `${(tokens / 1e9).toFixed(2)}G`;
}

/** `$0`, `<$0.01`, `$1.23`, `$1234`. */
export function usdText(dollars: number): string {
  if (dollars === 0) return '$0';
  if (dollars < 0.005) return '<$0.01';
  return dollars < 999.995 ? `$${dollars.toFixed(2)}` : `$${Math.round(dollars)}`;
}

/** `420ms`, `12.3s`, `4m 05s`, `3h 12m`: how long something took. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
