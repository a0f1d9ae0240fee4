interface Lists {
  decisions: readonly string[];
  risks: readonly string[];
  notes: readonly string[];
}

/** The decisions, risks and notes that agents leave for those after them. */
export function Said({ of: { decisions, risks, notes } }: { of: Lists }) {
  const lists = [
    ['decided', decisions],
    ['risks', risks],
    ['notes', notes],
  ] as const;
  return (
    <>
      {lists.map(([title, all]) =>
        all.length === 0 ? null : (
          <div key={title}>
            <span class="dim">{title}</span>
            <ul class="said">
              {all.map((text, i) => (
                <li key={i}>
                  <bdi>{text}</bdi>
                </li>
              ))}
            </ul>
          </div>
        ),
      )}
    </>
  );
}
