/** `12s`, `5m`, `3h`, `2d`: how long ago, short enough for a badge. A clock that is behind gives `0s`. */
export function age(at: string | number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - (typeof at === 'number' ? at : Date.parse(at))) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/**
 * `45s`, `4m 05s`, `3h 12m`, `2d 4h`: the time left until an instant, exact enough for a countdown; null when the
 * instant has passed.
 */
export function until(at: string, now: number): string | null {
  const seconds = Math.ceil((Date.parse(at) - now) / 1000);
  if (seconds <= 0) return null;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** How long something took, or takes until now: `0.4 s`, `12 s`, `2 min 5 s`. */
export function duration(from: string, to: number): string {
  const ms = Math.max(0, to - Date.parse(from));
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** The local time of day, with the date in front where that is not today. */
export function clock(at: string, now: number): string {
  const t = new Date(at);
  const today = new Date(now);
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return t.toDateString() === today.toDateString() ? time : `${two(t.getMonth() + 1)}-${two(t.getDate())} ${time}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1024 ** 3 ? `${(bytes / 1024 ** 2).toFixed(1)} MiB` : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
