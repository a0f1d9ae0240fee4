import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../../api/client';
import { words } from '../../../api/refusal';
import type { PhaseContext, Ticket, WorkflowView } from '../../../api/types';
import { Fault } from '../../../ui/fault';
import { openPanel } from '../../../ui/panel';
import { Reading } from '../../../ui/reading';
import { AgentText } from '../../files';
import { at } from '../actions';
import { phaseName } from '../columns';
import { board } from '../store';
import { Part } from './parts';
import { Said } from './said';

/** The results that earlier phases hand on to the next ones: in short, and on demand all of them. */
export function Context({ ticket, workflow }: { ticket: Ticket; workflow: WorkflowView | undefined }) {
  const { id, context_summary: summary } = ticket;
  const [whole, setWhole] = useState(false);
  if (summary == null || summary === '') return null;
  return (
    <Part
      id="context"
      title="C0NT3XT"
      aside={
        <button
          type="button"
          class="ref"
          aria-expanded={whole}
          {...(whole ? { 'aria-controls': 'context-whole' } : {})}
          onClick={() => setWhole(!whole)}
        >
          {whole ? 'in short' : 'all that is handed on'}
        </button>
      }
    >
      {whole ? (
        <Whole ticket={id} summary={summary} workflow={workflow} />
      ) : (
        <AgentText text={summary} refs={[]} most={1200} />
      )}
    </Part>
  );
}

/** All of it, read again when the summary says that it has changed. */
function Whole({ ticket, summary, workflow }: { ticket: number; summary: string; workflow: WorkflowView | undefined }) {
  const [phases, setPhases] = useState<readonly PhaseContext[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const reads = board.reads.value;
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/v1/tickets/{id}/context', { ...at(ticket), signal: stop.signal })).then(
      ({ full_context }) => {
        setPhases(Object.values(full_context.phases));
        setError(null);
      },
      (e: unknown) => {
        if (!stop.signal.aborted) setError(words(e));
      },
    );
    return () => stop.abort();
  }, [ticket, summary, reads]);
  return (
    <div id="context-whole" class="context-whole">
      <Fault error={error === null ? null : `The context of ticket ${ticket} cannot be shown: ${error}`} />
      {phases === null && error === null ? <Reading /> : null}
      {(phases ?? []).map((phase) => (
        <Phase key={phase.phase_id} phase={phase} name={phaseName(workflow, phase.phase_id)} />
      ))}
    </div>
  );
}

function Phase({ phase, name }: { phase: PhaseContext; name: string }) {
  const { tasks, artifacts } = phase;
  return (
    <section class="context-phase" aria-label={`Handed on by ${name}`}>
      <h4>
        <bdi>{name}</bdi>
      </h4>
      {tasks.map(({ id, type, summary, outputs }) => (
        <div key={id} class="context-task">
          <button type="button" class="ref n" data-opens={`task:${id}`} onClick={() => openPanel(`task:${id}`)}>
            task {id}
          </button>{' '}
          <bdi class="dim mono">{type}</bdi>
          <AgentText text={summary} refs={[]} most={600} lines={8} />
          {outputs == null ? null : (
            <div class="mono context-data">
              <AgentText text={JSON.stringify(outputs, null, 2)} refs={[]} most={2000} lines={12} />
            </div>
          )}
        </div>
      ))}
      <Said of={phase} />
      {artifacts.length === 0 ? null : (
        <p>
          <span class="dim">artifacts</span>{' '}
          {artifacts.map(({ id, type }) => (
            <button
              key={id}
              type="button"
              class="ref"
              data-opens={`artifact:${id}`}
              onClick={() => openPanel(`artifact:${id}`)}
            >
              <bdi>{type.replaceAll('_', ' ')}</bdi>
            </button>
          ))}
        </p>
      )}
    </section>
  );
}
