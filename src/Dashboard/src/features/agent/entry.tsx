import type { ComponentChild, ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Clock } from '../../ui/clock';
import { memo } from '../../ui/memo';
import { openPanel } from '../../ui/panel';
import { plainLine } from '../../ui/text/ansi';
import { tokensText } from '../../ui/text/figures';
import { visible } from '../../ui/text/visible';
import { panelOf } from '../messages';
import { resultWords, turnWords } from '../stats';
import { callOf } from './calls';
import { Edit } from './edit';
import type { AgentEvent } from './events';
import { beginningOf, folded } from './fold';
import { wakeBeginning, wakeLines } from './wake';

/** Why a process was started; a start by hand needs no words. */
const STARTS: Readonly<Record<string, string>> = {
  restart: 'after a restart',
  rebuild: 'on its current configuration',
  crash: 'after it had ended',
};

/** One entry of the terminal. */
export const EntryLine = memo(function EntryLine({
  event,
  tool,
  beside,
}: {
  event: AgentEvent;
  tool: string | null;
  beside: boolean;
}) {
  switch (event.kind) {
    case 'turn_started':
      return <TurnStarted event={event} />;
    case 'turn_ended':
      return <TurnEnded event={event} />;
    case 'text':
    case 'text_part':
      return (
        <Row
          event={event}
          glyph="›"
          plain={event.kind === 'text' ? 'says' : 'is writing'}
          name={event.kind === 'text' ? 'text' : 'text writing'}
        >
          <p class="written">{text(event, 'text')}</p>
        </Row>
      );
    case 'thinking':
      return (
        <Row event={event} glyph="✻" plain="thinks" name="thinking">
          <Fold text={text(event, 'text')} always />
        </Row>
      );
    case 'tool_call':
      return <ToolCall event={event} />;
    case 'tool_result':
      return <ToolResult event={event} tool={tool} beside={beside} />;
    case 'note': {
      const level = text(event, 'level');
      return (
        <Row
          event={event}
          glyph={level === 'error' ? '✗' : level === 'warn' ? '⚠' : '·'}
          plain={level === 'error' ? 'error' : level === 'warn' ? 'warning' : 'note'}
          name={`remark ${level}`}
        >
          <p class="written">{text(event, 'text')}</p>
        </Row>
      );
    }
    case 'stderr':
      return (
        <Row event={event} glyph="!" plain="tool error output" name="stderr">
          <Fold text={plain(text(event, 'text'))} />
        </Row>
      );
    case 'process_started': {
      const reason = STARTS[text(event, 'reason')];
      return (
        <Row event={event} glyph="▲" plain="" name="remark">
          <p>
            its process started{reason === undefined ? '' : `, ${reason}`} <Clock at={event.at} />
          </p>
        </Row>
      );
    }
    case 'process_ended':
    case 'start_failed': {
      const [note, log] = [text(event, 'note'), text(event, 'log')];
      const failed = event.kind === 'start_failed';
      return (
        <Row event={event} glyph={note === '' ? '▼' : '✗'} plain="" name={note === '' ? 'remark' : 'remark error'}>
          <p class="written">
            {failed ? 'its process could not be started' : 'its process ended'}
            {note === '' ? ', as requested' : `: ${visible(note)}`} <Clock at={event.at} />
          </p>
          {log === '' ? null : <pre>{plain(log)}</pre>}
        </Row>
      );
    }
    case 'compacted': {
      const [before, after] = [number(event, 'before_tokens'), number(event, 'after_tokens')];
      return (
        <Row event={event} glyph="⇣" plain="" name="remark">
          <p>
            the conversation was compacted
            {before === null
              ? ''
              : `: ${tokensText(before)}${after === null ? ' tokens before' : ` → ${tokensText(after)} tokens`}`}
          </p>
        </Row>
      );
    }
    case 'dropped':
      return (
        <Row event={event} glyph="⋯" plain="" name="remark warn">
          <p>{number(event, 'count') ?? 'some'} events were dropped here: there were too many at once</p>
        </Row>
      );
    default:
      return (
        <Row event={event} glyph="·" plain="" name="remark">
          <p>{event.kind}</p>
          <Fold text={JSON.stringify(event, null, 2)} />
        </Row>
      );
  }
});

function Row({
  event,
  glyph,
  plain: said,
  name,
  children,
}: {
  event: AgentEvent;
  glyph: string;
  plain: string;
  name: string;
  children: ComponentChildren;
}) {
  return (
    <li class={`entry ${name}`} data-event={event.id} data-kind={event.kind}>
      <span class="sign" aria-hidden="true">
        {glyph}
      </span>
      <div class="body">
        {said === '' ? null : <span class="hidden">{said}: </span>}
        {children}
        {event.truncated === true ? <p class="note">✂ truncated: too long to be sent whole.</p> : null}
      </div>
    </li>
  );
}

function TurnStarted({ event }: { event: AgentEvent }) {
  const waiting = number(event, 'waiting') ?? 0;
  const prompt = text(event, 'text');
  return (
    <li class="entry turn" data-event={event.id} data-kind={event.kind} data-begins={event.turn ?? undefined}>
      <h3>
        <span class="turn-name">
          <span aria-hidden="true">◆</span> turn {event.turn ?? '?'} <span class="dim">from</span>{' '}
          <span class="principal">{text(event, 'from')}</span>
        </span>
        {event.redelivered === true ? <span class="badge orange">again</span> : null}
        {waiting > 0 ? <span class="badge dim">{waiting} more waiting</span> : null}
        <span class="rule" />
        <span class="at">
          <Clock at={event.at} />
        </span>
      </h3>
      {prompt === '' ? null : (
        <div class="body wake">
          <Wake text={prompt} />
        </div>
      )}
    </li>
  );
}

/** The prompt at the turn's start: quoted words stand out from Hive's own. */
function Wake({ text: whole }: { text: string }) {
  const lines = useMemo(() => wakeLines(whole), [whole]);
  return (
    <Fold text={whole} mostChars={700} mostLines={11} beginning={beginningOf(wakeBeginning(whole))}>
      {lines === null
        ? null
        : () => (
            <pre>
              {lines.map(({ text: line, quoted, message }, i) => (
                <span key={i} class={quoted ? 'quoted' : 'own'}>
                  {message === null ? (
                    `${line}\n`
                  ) : (
                    <>
                      <button type="button" class="ref" onClick={() => openPanel(panelOf(message))}>
                        Message {message}
                      </button>
                      {`${line.slice(`Message ${message}`.length)}\n`}
                    </>
                  )}
                </span>
              ))}
            </pre>
          )}
    </Fold>
  );
}

function TurnEnded({ event }: { event: AgentEvent }) {
  const { glyph, words, tone } = resultWords(text(event, 'result') || 'ended');
  const took = turnWords(event);
  const note = text(event, 'note');
  return (
    <li class="entry turn end" data-event={event.id} data-kind={event.kind}>
      <p class="line">
        <span class="hidden">turn {event.turn ?? ''} ended: </span>
        <span class={`badge ${tone}`}>
          <span aria-hidden="true">{glyph}</span> {words}
        </span>
        <span class="dim took">{took}</span>
        <span class="rule" />
        <span class="at">
          <Clock at={event.at} />
        </span>
      </p>
      {note === '' ? null : <p class={`written ${tone === 'bad' ? 'bad' : 'dim'}`}>{note}</p>}
    </li>
  );
}

function ToolCall({ event }: { event: AgentEvent }) {
  const call = useMemo(() => callOf(text(event, 'tool') || 'tool', event.input), [event]);
  const what = folded(call.what, 400, 6);
  return (
    <Row event={event} glyph="▸" plain="uses" name={`call ${call.hive ? 'hive' : ''}`}>
      <p>
        <span class="tool">{call.name}</span> {what === null ? <code>{call.what}</code> : null}
        {call.aside === '' ? null : <span class="dim aside"> {call.aside}</span>}
      </p>
      {what === null ? null : <Fold text={call.what} />}
      {call.text === null ? null : <Fold text={call.text} />}
      {call.edit === null ? null : <Edit lines={call.edit} />}
    </Row>
  );
}

function ToolResult({ event, tool, beside }: { event: AgentEvent; tool: string | null; beside: boolean }) {
  const failed = event.error === true;
  const said = plain(text(event, 'text'));
  return (
    <Row
      event={event}
      glyph={failed ? '✗' : '└'}
      plain={failed ? 'failed' : 'result'}
      name={failed ? 'result failed' : 'result'}
    >
      {beside || tool === null ? null : <span class="tool">{tool.replace(/^mcp__(.+?)__/, '$1 · ')} </span>}
      {said.trim() === '' ? <p class="dim">{failed ? 'failed with no output' : 'done'}</p> : <Fold text={said} />}
    </Row>
  );
}

interface Folding {
  text: string;
  always?: boolean;
  mostChars?: number;
  mostLines?: number;
  /** The text of the folded form, where that is not the first line. */
  beginning?: string;
  /** Draws the whole text, where that is more than plain text. */
  children?: (() => ComponentChild) | null;
}

/** A text that is folded to its beginning: the rest is not in the document. */
function Fold({ text: whole, always, mostChars, mostLines, beginning, children }: Folding) {
  const [open, setOpen] = useState(false);
  const fold = useMemo(
    () => folded(whole, always === true ? 0 : mostChars, always === true ? 0 : mostLines),
    [whole, always, mostChars, mostLines],
  );
  const draw = children ?? (() => <pre>{whole.trimEnd()}</pre>);
  if (fold === null) return draw();
  return (
    <>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="mark" aria-hidden="true">
          {open ? '▾' : '▸'}
        </span>
        {/* The unfolded text contains the beginning. */}
        {open ? null : (
          <span class="beginning">
            <bdi>{beginning ?? fold.beginning}</bdi> …
          </span>
        )}{' '}
        <span class="dim size">{fold.size}</span>
      </button>
      {open ? draw() : null}
    </>
  );
}

const text = (event: AgentEvent, field: string): string => (typeof event[field] === 'string' ? event[field] : '');
const number = (event: AgentEvent, field: string): number | null =>
  typeof event[field] === 'number' ? event[field] : null;
/** A program's output as plain text. */
const plain = (printed: string): string => printed.split('\n').map(plainLine).join('\n');
