namespace Hive.Protocol;

/// <summary>How the operator likes the page; kept in the Hive, so that every browser shows the same.</summary>
/// <param name="Theme">The colours.</param>
/// <param name="Labels">The spelling of labels.</param>
/// <param name="LabelsChosen">The operator has chosen the labels, so the page no longer offers the choice.</param>
/// <param name="Density">The height of rows.</param>
/// <param name="UndoSeconds">How long the page holds a decision that cannot be taken back: 0, 5 or 10.</param>
/// <param name="Keys">Changed keys by command; an empty text switches the key off.</param>
/// <param name="Notify">How the page reports what waits, by urgency.</param>
/// <param name="Sound">A notification makes a sound.</param>
/// <param name="Scanlines">The dark theme shows faint lines.</param>
/// <param name="Starred">Agents shown first, in the operator's order.</param>
/// <param name="NotifyKinds">How the page reports the things of a kind that is not reported as its urgency.</param>
/// <param name="Muted">Agents whose things make no notification and no sound.</param>
public sealed record PreferencesView(
    Theme Theme,
    Labels Labels,
    bool LabelsChosen,
    Density Density,
    int UndoSeconds,
    IReadOnlyDictionary<string, string> Keys,
    NotifyPreferences Notify,
    bool Sound,
    bool Scanlines,
    IReadOnlyList<string> Starred,
    IReadOnlyDictionary<string, Notice> NotifyKinds,
    IReadOnlyList<string> Muted
);

/// <summary>How the page reports what waits, by urgency.</summary>
/// <param name="Now">Something stands still, or its deadline is near.</param>
/// <param name="Soon">Something should be looked at soon.</param>
/// <param name="Fyi">Something is worth knowing.</param>
public sealed record NotifyPreferences(Notice Now, Notice Soon, Notice Fyi);

/// <summary>The colours of the page.</summary>
public enum Theme
{
    /// <summary>As the browser's system is set.</summary>
    System,

    /// <summary>Light text on a dark ground.</summary>
    Dark,

    /// <summary>Dark text on a light ground.</summary>
    Light,
}

/// <summary>The spelling of the page's labels.</summary>
public enum Labels
{
    /// <summary>Such as <c>H0M3</c>.</summary>
    Wired,

    /// <summary>Such as <c>Overview</c>.</summary>
    Plain,
}

/// <summary>The height of the page's rows.</summary>
public enum Density
{
    /// <summary>32 pixels.</summary>
    Normal,

    /// <summary>28 pixels.</summary>
    Compact,
}

/// <summary>How the page reports a thing that waits.</summary>
public enum Notice
{
    /// <summary>With a desktop notification.</summary>
    Notify,

    /// <summary>In the count alone.</summary>
    Count,

    /// <summary>Not at all.</summary>
    Silent,
}
