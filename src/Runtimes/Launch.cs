using Hive.Common.Linux;

namespace Hive.Runtimes;

/// <summary>A command line with its environment.</summary>
/// <param name="Arguments">The program and its arguments.</param>
/// <param name="Environment">All of its variables.</param>
/// <param name="WorkingDirectory">The folder in which it starts, on the host.</param>
/// <param name="NeedsGroup">It may not run without a control group of its own.</param>
internal sealed record Launch(
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string WorkingDirectory,
    bool NeedsGroup = false
)
{
    /// <summary>The command that puts it and its pump into a control group; empty where Hive does so itself.</summary>
    public IReadOnlyList<string> Scope { get; init; } = [];

    /// <summary>The control groups that Hive created for it, each with one inside for it and one for its pump; may be
    /// empty.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The folders that it sees as another user's; null where it sees the host's as they are.</summary>
    public MappedFolders? View { get; init; }

    /// <summary>Confines the thread that starts it, and so all of it; null where nothing does.</summary>
    public Action? Confine { get; init; }

    /// <summary>The weaknesses that it leaves, which are kept with the run; null for none.</summary>
    public string? Weakness { get; init; }

    /// <summary>Starts something that sees these folders and is confined so.</summary>
    /// <param name="start">Creates no thread (<see cref="OwnThread"/>).</param>
    /// <exception cref="IOException">The folders cannot be shown so, or it cannot be confined.</exception>
    public Task<T> Begin<T>(Func<T> start) =>
        View is null && Confine is null
            ? Task.FromResult(start())
            : OwnThread.Run(
                () =>
                {
                    View?.Enter();
                    Confine?.Invoke();
                    return start();
                },
                "start of an agent"
            );

    /// <summary>The environment of a program that sets the variables of what it runs itself.</summary>
    public static IReadOnlyDictionary<string, string> PathAlone { get; } =
        new Dictionary<string, string>
        {
            ["PATH"] =
                System.Environment.GetEnvironmentVariable("PATH")
                ?? "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        };
}
