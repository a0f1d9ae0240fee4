import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import type { Approval, BuildStep } from '../../api/types';
import { now } from '../../ui/clock';
import { openPanel } from '../../ui/panel';
import { plainLine } from '../../ui/text/ansi';
import { counted } from '../../ui/text/figures';
import { duration } from '../../ui/text/time';
import { approvals } from './store';

/** Within this distance from its end a log follows its newest line. */
const STICKY_PX = 24;

const STATES: Record<string, { glyph: string; plain: string }> = {
  running: { glyph: '', plain: 'under way' },
  done: { glyph: '✓', plain: 'done' },
  failed: { glyph: '✗', plain: 'failed' },
};

/** The words for each step; a step that this page does not know has its name. */
const WORDS: Record<string, (agent: string) => string> = {
  wait: () => 'wait for its turn',
  check: () => 'check its base',
  lock: () => 'lock the inputs',
  files: () => 'check out the files',
  stop: (agent) => `stop ${agent}`,
  start: (agent) => `start ${agent}`,
  deploy: () => 'deploy',
  roll_back: () => 'roll back',
  recover: () => 'recover after a restart of the host',
  runtime: () => 'choose the runtime',
  spawn: (agent) => `create and start ${agent}`,
  inputs: () => 'find newer revisions',
};

const nameOf = ({ name, agent }: BuildStep): string => WORDS[name]?.(agent ?? 'the agent') ?? name;

/** Whether the log of the step that failed is shown: an error repeats its end. */
export const hasFailedLog = (id: number): boolean =>
  approvals.builds.value.get(id)?.steps.some(({ state, log }) => state === 'failed' && log !== undefined) === true;

/** The steps of an approved change, as they go, with what the started agent prints. */
export function Build({ approval }: { approval: Approval }) {
  const { id, status } = approval;
  const build = approvals.builds.value.get(id);
  const read = approvals.reads.value;
  const decided = status !== 'pending' && status !== 'denied';
  const fault = useRef(signal(false)).current;
  useEffect(() => {
    if (!decided) return;
    const stop = new AbortController();
    fault.value = false;
    answerOf(api.GET('/api/approvals/{id}/build', { params: { path: { id } }, signal: stop.signal })).then(
      (answer) => approvals.built(answer),
      () => {
        if (!stop.signal.aborted) fault.value = true;
      },
    );
    return () => stop.abort();
  }, [id, decided, read]);
  if (!decided) return null;
  if (build === undefined || build.steps.length === 0)
    return fault.value ? <p class="dim">The steps of its build could not be read.</p> : null;
  const steps = build.steps;
  const [first, last] = [steps[0], steps.at(-1)];
  const ended = last?.ended_at;
  return (
    <div class="build" data-build={id}>
      <p class="dim">
        {status === 'building' ? 'Under way' : status === 'failed' ? 'Failed after' : 'Done in'}{' '}
        {first === undefined || ended == null || status === 'building'
          ? ''
          : duration(first.started_at, Date.parse(ended))}
      </p>
      <ol class="steps" aria-label="Steps of the build">
        {steps.map((step, i) => (
          <Step key={i} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step }: { step: BuildStep }) {
  const { name, state, started_at, ended_at, log, lines_left_out, agent } = step;
  const [chosen, setChosen] = useState<boolean | null>(null);
  const lines = log ?? [];
  const left = lines_left_out ?? 0;
  // A step that went well needs no look at its log.
  const open = chosen ?? state !== 'done';
  const { glyph, plain } = STATES[state] ?? { glyph: '·', plain: state };
  return (
    <li
      class={`${state} ${open && lines.length > 0 ? 'wide' : ''}`}
      data-step={name}
      aria-current={state === 'running' ? 'step' : undefined}
    >
      <span class="line">
        {state === 'running' ? <span class="spinner" aria-hidden="true" /> : <span aria-hidden="true">{glyph}</span>}
        <span class="step-name">
          <bdi>{nameOf(step)}</bdi>
          <span class="hidden">, {plain}</span>
          {name === 'start' && state === 'running' ? (
            <span class="dim"> and wait until it asks for its first message</span>
          ) : null}
        </span>
        <span class="dim n">
          {ended_at == null ? duration(started_at, now.value) : duration(started_at, Date.parse(ended_at))}
        </span>
        {lines.length === 0 ? null : (
          <button type="button" class="ref" aria-expanded={open} onClick={() => setChosen(!open)}>
            {open ? 'hide the log' : `log: ${counted(lines.length + left, 'line')}`}
          </button>
        )}
      </span>
      {open && lines.length > 0 ? (
        <Log lines={lines} left={left} agent={agent ?? ''} follows={state === 'running'} />
      ) : null}
    </li>
  );
}

/** The newest lines of a log; it stays at its end until the reader scrolls up. */
function Log({
  lines,
  left,
  agent,
  follows,
}: {
  lines: readonly string[];
  left: number;
  agent: string;
  follows: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const el = box.current;
    if (el !== null && atEnd.current) el.scrollTop = el.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      class="step-log"
      role="log"
      aria-live="off"
      aria-label={`Output of ${agent}${follows ? ', as it comes' : ''}`}
      tabIndex={0}
      onScroll={() => {
        const el = box.current;
        if (el !== null) atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight <= STICKY_PX;
      }}
    >
      {left === 0 ? null : (
        <p class="dim">
          {counted(left, 'earlier line')} left out.{' '}
          <button type="button" class="ref" onClick={() => openPanel(`log:${agent}`)}>
            the whole log
          </button>
        </p>
      )}
      <pre>{lines.map(plainLine).join('\n')}</pre>
    </div>
  );
}
