namespace Hive.Protocol;

/// <summary>The state of the git forge: whether it answers, the agents' accounts, and the pushed
/// repositories.</summary>
/// <param name="Mode">How Hive reaches it: <c>http</c>, <c>nixos</c>, or <c>off</c>.</param>
/// <param name="State">One of <see cref="ForgeState"/>.</param>
/// <param name="Accounts">One for each agent; none while the forge is off.</param>
/// <param name="Repositories">The pushed repositories; none while the forge is off.</param>
/// <param name="Note">Why the forge is off or down, or why Hive has no account there.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="CheckedAt">When Hive last contacted it.</param>
/// <param name="NextAttemptAt">When Hive retries failed operations.</param>
public sealed record ForgeView(
    string Mode,
    string State,
    IReadOnlyList<ForgeAccount> Accounts,
    IReadOnlyList<ForgeRepository> Repositories,
    string? Note = null,
    string? Url = null,
    DateTimeOffset? CheckedAt = null,
    DateTimeOffset? NextAttemptAt = null
);

/// <summary>The states of the forge.</summary>
public static class ForgeState
{
    /// <summary>No forge is configured or found.</summary>
    public const string Off = "off";

    /// <summary>Not contacted yet.</summary>
    public const string Unknown = "unknown";

    /// <summary>The forge answers.</summary>
    public const string Up = "up";

    /// <summary>The forge does not answer, or not as a forge should.</summary>
    public const string Down = "down";
}

/// <summary>An agent's account on the forge.</summary>
/// <param name="Agent">The agent, whose account has the same name.</param>
/// <param name="HasToken">A token of the account is in the agent's state folder.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="Error">Why there is no token.</param>
/// <param name="FailedAt">When that last failed.</param>
public sealed record ForgeAccount(
    string Agent,
    bool HasToken,
    string? Url = null,
    string? Error = null,
    DateTimeOffset? FailedAt = null
);

/// <summary>One of Hive's repositories on the forge.</summary>
/// <param name="Name">Owner and name, such as <c>agents/alice</c>.</param>
/// <param name="Behind">It lacks commits or tags that the local repository has.</param>
/// <param name="Agent">The agent whose configuration it holds; absent for <c>core/meta</c>.</param>
/// <param name="Head">The last pushed commit of main.</param>
/// <param name="PushedAt">When it was pushed.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="Error">Why the last push failed.</param>
/// <param name="FailedAt">When the push failed.</param>
/// <param name="Attempts">How many pushes in a row have failed.</param>
public sealed record ForgeRepository(
    string Name,
    bool Behind,
    string? Agent = null,
    string? Head = null,
    DateTimeOffset? PushedAt = null,
    string? Url = null,
    string? Error = null,
    DateTimeOffset? FailedAt = null,
    int Attempts = 0
);
