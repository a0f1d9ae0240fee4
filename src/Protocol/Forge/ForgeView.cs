namespace Hive.Protocol;

/// <summary>How Hive and the git forge stand: whether it answers, who has an account there, and what is
/// pushed.</summary>
/// <param name="Mode">How it is reached: <c>http</c>, <c>nixos</c>, or <c>off</c>.</param>
/// <param name="State">One of <see cref="ForgeState"/>.</param>
/// <param name="Accounts">One for each agent; none while the forge is off.</param>
/// <param name="Repositories">What is pushed, and what is behind; none while the forge is off.</param>
/// <param name="Note">Why it is off or down, or what keeps Hive from its own account.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="CheckedAt">When it was asked last.</param>
/// <param name="NextAttemptAt">When what failed is tried again.</param>
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

/// <summary>The words for how the forge stands.</summary>
public static class ForgeState
{
    /// <summary>None is configured, and none is found.</summary>
    public const string Off = "off";

    /// <summary>Not asked yet.</summary>
    public const string Unknown = "unknown";

    /// <summary>It answers.</summary>
    public const string Up = "up";

    /// <summary>It does not answer, or not as a forge should.</summary>
    public const string Down = "down";
}

/// <summary>An agent's account on the forge.</summary>
/// <param name="Agent">The agent; its account has the same name.</param>
/// <param name="HasToken">A token for it lies in the agent's state folder.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="Error">Why there is no token.</param>
/// <param name="FailedAt">When that was tried last.</param>
public sealed record ForgeAccount(
    string Agent,
    bool HasToken,
    string? Url = null,
    string? Error = null,
    DateTimeOffset? FailedAt = null
);

/// <summary>A repository of Hive's on the forge.</summary>
/// <param name="Name">Owner and name, such as <c>agents/alice</c>.</param>
/// <param name="Behind">It lacks something that is there here.</param>
/// <param name="Agent">Whose configuration it holds; none for <c>core/meta</c>.</param>
/// <param name="Head">The commit of main that was pushed last.</param>
/// <param name="PushedAt">When that was.</param>
/// <param name="Url">Where people open it.</param>
/// <param name="Error">Why the last push failed.</param>
/// <param name="FailedAt">When that was.</param>
/// <param name="Attempts">How often in a row it has failed.</param>
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
