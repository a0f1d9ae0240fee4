import { useEffect, useMemo, useState } from 'preact/hooks';
import schema from '../../../../../docs/agent.schema.json';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Agent } from '../../api/types';
import type { components } from '../../generated/api';
import { drafts, useDraft } from '../../ui/draft';
import { Fault, ReadFault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { Link } from '../../ui/link';
import { Reading } from '../../ui/reading';
import { useSending } from '../../ui/sending';
import { bodyFault } from '../../ui/text/bytes';
import { editLines } from './calls';
import { Edit } from './edit';

type Config = components['schemas']['ReadAgentConfigResult'];

/** The host refuses a longer file. */
const MOST_BYTES = 64 * 1024;

/** An agent's agent.yaml: as deployed, as proposed, and a change to propose. */
export function ConfigTab({ agent: { name, deployed_sha } }: { agent: Agent; rest: string | undefined }) {
  const [config, setConfig] = useState<Config | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [reads, setReads] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setError(null);
    answerOf(api.GET('/api/agent-config/{name}', { params: { path: { name } }, signal: stop.signal })).then(
      setConfig,
      (e: unknown) => {
        if (!stop.signal.aborted) setError(words(e));
      },
    );
    return () => stop.abort();
  }, [name, deployed_sha, reads]);
  return (
    <div class="scrolls config" tabIndex={-1}>
      <ReadFault
        error={error === null ? null : `The configuration could not be read: ${error}`}
        plain="Read the configuration again"
        onRetry={() => setReads(reads + 1)}
      />
      {config === null ? (
        error === null ? (
          <Reading />
        ) : null
      ) : (
        <Shown name={name} config={config} onProposed={() => setReads(reads + 1)} />
      )}
    </div>
  );
}

function Shown({ name, config, onProposed }: { name: string; config: Config; onProposed: () => void }) {
  const { deployed, proposed } = config;
  const differs = proposed != null && proposed.yaml !== deployed.yaml;
  const asked = proposed?.approval_id;
  const lines = useMemo(
    () => (differs ? editLines(deployed.yaml.trimEnd(), proposed.yaml.trimEnd()) : []),
    [differs, deployed.yaml, proposed?.yaml],
  );
  return (
    <>
      <div class="config-part">
        <h2>
          As deployed{' '}
          {deployed.sha == null ? null : <span class="dim mono config-sha">{deployed.sha.slice(0, 7)}</span>}
        </h2>
        {deployed.yaml.trim() === '' ? (
          <p class="empty">The file is empty: {name} runs with the defaults.</p>
        ) : (
          <pre class="yaml" tabIndex={0} role="region" aria-label={`agent.yaml of ${name}, as deployed`}>
            {deployed.yaml}
          </pre>
        )}
        {differs ? (
          <>
            <h2>
              Proposed <span class="dim mono config-sha">{proposed.sha.slice(0, 7)}</span>
            </h2>
            <p class="dim">
              {asked == null ? (
                'Nobody has asked for its deployment yet.'
              ) : (
                <>
                  It waits for your decision: <Link to={`/changes/${asked}`}>approval {asked}</Link>.
                </>
              )}
            </p>
            <Edit lines={lines} />
          </>
        ) : null}
        <details class="words">
          <summary>Keys and their meaning</summary>
          <dl>
            {Object.entries(schema.properties).map(([key, { description }]) => (
              <div key={key}>
                <dt class="mono">{key}</dt>
                <dd>{description}</dd>
              </div>
            ))}
          </dl>
        </details>
      </div>
      <Propose
        key={name}
        name={name}
        deployed={deployed.yaml}
        begun={proposed?.yaml ?? deployed.yaml}
        waits={asked != null}
        onProposed={onProposed}
      />
    </>
  );
}

/** Proposes another agent.yaml: a commit that is reviewed like any other. */
function Propose({
  name,
  deployed,
  begun,
  waits,
  onProposed,
}: {
  name: string;
  deployed: string;
  /** The text to begin with: the latest proposal, else the deployed one. */
  begun: string;
  /** The latest proposal waits for a decision already. */
  waits: boolean;
  onProposed: () => void;
}) {
  const [draft, keep] = useDraft(`config:${name}`);
  const [why, keepWhy] = useDraft(`config-why:${name}`);
  const [done, setDone] = useState(false);
  const { busy, error, setError, send } = useSending();
  // The drafts keep no empty text.
  const [isEmptied, setEmptied] = useState(false);
  const text = draft !== '' ? draft : isEmptied ? '' : begun;
  const same = text === deployed;
  const lines = useMemo(() => (same ? [] : editLines(deployed.trimEnd(), text.trimEnd())), [same, deployed, text]);
  const propose = () => {
    const bytes = new TextEncoder().encode(text).length;
    const fault = same
      ? 'Nothing is changed: it is as deployed.'
      : bytes > MOST_BYTES
        ? `The file has ${bytes} bytes; at most ${MOST_BYTES} are allowed.`
        : why.trim() === ''
          ? null
          : bodyFault(why, 'a description');
    setDone(false);
    void send(fault, async () => {
      await api.POST('/api/agents/{name}/propose', {
        params: { path: { name } },
        body: { yaml: text, ...(why.trim() === '' ? {} : { description: why.trim() }) },
      });
      // Text that was typed in the meantime stays.
      if (drafts.of(`config:${name}`) === draft) keep('');
      if (drafts.of(`config-why:${name}`) === why) keepWhy('');
      setEmptied(false);
      setDone(true);
      onProposed();
    });
  };
  return (
    <form
      class="config-part propose"
      aria-label={`Propose a change of ${name}`}
      onSubmit={(e) => {
        e.preventDefault();
        propose();
      }}
    >
      <h2>
        <label for="config-yaml">Propose a change</label>
      </h2>
      <textarea
        id="config-yaml"
        class="field mono yaml-box"
        value={text}
        rows={Math.min(24, Math.max(10, text.split('\n').length + 1))}
        spellcheck={false}
        autocapitalize="none"
        aria-invalid={error !== null}
        onInput={(e) => {
          setEmptied(e.currentTarget.value === '' && begun !== '');
          keep(e.currentTarget.value === begun ? '' : e.currentTarget.value);
          setError(null);
          setDone(false);
        }}
      />
      <label class="propose-why">
        <span>What it changes and why</span>
        <input
          type="text"
          class="field"
          value={why}
          onInput={(e) => {
            keepWhy(e.currentTarget.value);
            setError(null);
          }}
        />
      </label>
      {lines.length === 0 ? null : (
        <>
          <h3>What differs from the deployed file</h3>
          <Edit lines={lines} />
        </>
      )}
      <Fault error={error} />
      {done ? (
        <p class="tone-good" role="status">
          ✓ Proposed. It waits for your decision under <Link to="/changes">Changes</Link>.
        </p>
      ) : null}
      <div class="buttons">
        {draft === '' && !isEmptied ? null : (
          <button
            type="button"
            class="act"
            onClick={() => {
              keep('');
              setEmptied(false);
            }}
          >
            <Label text="✗ D1SC4RD" of="the change" />
          </button>
        )}
        <button type="submit" class="act primary" disabled={busy || same || (waits && text === begun)} aria-busy={busy}>
          {busy ? <span class="spinner" aria-hidden="true" /> : null}
          <Label text="↩ PR0P0S3" of="the change" />
        </button>
      </div>
    </form>
  );
}
