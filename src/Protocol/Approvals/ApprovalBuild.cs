namespace Hive.Protocol;

/// <summary>How far the work of an approved change has come.</summary>
/// <param name="Id">The approval.</param>
/// <param name="Steps">The steps that have begun, in order; empty when the host keeps none of them any more.</param>
public sealed record ApprovalBuild(long Id, IReadOnlyList<BuildStep> Steps);

/// <summary>One step of approved work.</summary>
/// <param name="Name">One of <see cref="BuildStepName"/>.</param>
/// <param name="State"><c>running</c>, <c>done</c> or <c>failed</c>.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="EndedAt">When it was done or failed; absent until then.</param>
/// <param name="Agent">The agent that is stopped, started or, in an update of inputs, rolled back.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Log">The newest lines that the started agent has printed, oldest first.</param>
/// <param name="LinesLeftOut">The number of earlier lines.</param>
public sealed record BuildStep(
    string Name,
    string State,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt = null,
    string? Agent = null,
    string? Error = null,
    IReadOnlyList<string>? Log = null,
    int? LinesLeftOut = null
);

/// <summary>The steps of approved work.</summary>
public static class BuildStepName
{
    /// <summary>Waits until nothing else is done with the agent.</summary>
    public const string Wait = "wait";

    /// <summary>Checks that the commit is based on the deployed one.</summary>
    public const string Check = "check";

    /// <summary>Resolves and locks the inputs.</summary>
    public const string Lock = "lock";

    /// <summary>Checks out the files.</summary>
    public const string Files = "files";

    /// <summary>Ends the agent's run.</summary>
    public const string Stop = "stop";

    /// <summary>Starts the agent and waits until it asks for its first message.</summary>
    public const string Start = "start";

    /// <summary>Commits the lock and tags the commit as deployed.</summary>
    public const string Deploy = "deploy";

    /// <summary>Restores what was deployed before.</summary>
    public const string RollBack = "roll_back";

    /// <summary>Finishes or rolls back what an earlier host left.</summary>
    public const string Recover = "recover";

    /// <summary>Chooses the runtime of a new agent.</summary>
    public const string Runtime = "runtime";

    /// <summary>Creates an agent and starts it.</summary>
    public const string Spawn = "spawn";

    /// <summary>Finds the current revisions of inputs.</summary>
    public const string Inputs = "inputs";
}

/// <summary>The states of a step.</summary>
public static class BuildStepState
{
    /// <summary>It is under way.</summary>
    public const string Running = "running";

    /// <summary>It has succeeded.</summary>
    public const string Done = "done";

    /// <summary>It has failed.</summary>
    public const string Failed = "failed";
}
