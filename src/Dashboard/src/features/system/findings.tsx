import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Finding } from '../../api/types';
import { now } from '../../ui/clock';
import { ReadFault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { Section } from '../../ui/section';
import { HookLine } from './hook';

const LOOKS = {
  ok: { glyph: '●', tone: 'good', words: 'works' },
  absent: { glyph: '○', tone: 'dim', words: 'not here' },
  failed: { glyph: '✗', tone: 'bad', words: 'fails' },
} as const;

/** After this time the page says what takes so long. */
const LONG_MS = 4_000;

/** What is being looked at, and for how long. */
export const lookingText = (ms: number): string =>
  `checking the runtimes, programs and disks of this machine …${
    ms < LONG_MS ? '' : ` ${Math.floor(ms / 1000)} s; each runtime is tried, which takes longest`
  }`;

/** What was found last: a place that is opened again shows it while the host looks again. */
const found = signal<readonly Finding[] | null>(null);

function Looking() {
  const [since] = useState(() => Date.now());
  return (
    <p class="empty">
      <span class="spinner" aria-hidden="true" /> <span role="status">{lookingText(0)}</span>
      <span aria-hidden="true">{lookingText(now.value - since).slice(lookingText(0).length)}</span>
    </p>
  );
}

/** The host's findings of itself and of its machine: failures first, with the way out. */
export function Findings() {
  const findings = found.value;
  const [error, setError] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const read = async (stopped?: AbortSignal) => {
    setReading(true);
    try {
      found.value = (await answerOf(api.GET('/api/doctor', { signal: stopped ?? null }))).findings;
      setError(null);
    } catch (e) {
      if (stopped?.aborted !== true) setError(`The findings could not be read: ${words(e)}`);
    } finally {
      setReading(false);
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    void read(stop.signal);
    return () => stop.abort();
  }, []);
  const failed = findings?.filter(({ state }) => state === 'failed') ?? [];
  const others = findings?.filter(({ state }) => state !== 'failed') ?? [];
  return (
    <Section
      feature="system"
      id="doctor"
      title="D0CT0R"
      plain="Findings"
      aside={
        <span class="counts">
          {findings === null ? null : (
            <span class={`count ${failed.length > 0 ? 'bad' : ''}`}>
              {failed.length > 0 ? `${failed.length} to fix` : 'all well'}
            </span>
          )}
          {findings !== null && reading ? <span class="count">checking again …</span> : null}
          <button type="button" class="act" disabled={reading} onClick={() => void read()}>
            <Label text="↻ R34D 4G41N" />
          </button>
        </span>
      }
    >
      <HookLine />
      <ReadFault error={error} plain="Read the findings again" reading={reading} onRetry={() => void read()} />
      {findings === null ? (
        error === null ? (
          <Looking />
        ) : null
      ) : (
        <>
          {failed.length === 0 ? null : <Lines findings={failed} />}
          <details class="well">
            <summary>{others.length} that work or are not needed</summary>
            <Lines findings={others} />
          </details>
        </>
      )}
    </Section>
  );
}

function Lines({ findings }: { findings: readonly Finding[] }) {
  return (
    <ul class="findings">
      {findings.map((finding) => {
        const { glyph, tone, words: state } = LOOKS[finding.state];
        return (
          <li key={`${finding.topic} ${finding.name}`} data-finding={finding.name}>
            <span class={tone} aria-hidden="true">
              {glyph}
            </span>
            <span class="hidden">{state}: </span>
            <span class="topic">
              {finding.topic} · {finding.name}
            </span>
            <span class="said">
              {finding.text}
              {finding.advice == null ? null : <span class="advice">{finding.advice}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
