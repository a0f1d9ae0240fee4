using System.Diagnostics;
using Hive.Common.Git;
using Hive.Protocol;

namespace Hive.Tests.Git;

/// <summary>A data folder with the host's own repository and an agent's repository, which is written as an agent
/// writes: by the installed git, or by hand.</summary>
public sealed class Repositories : IAsyncDisposable
{
    private Repositories()
    {
        Folder = Directory.CreateTempSubdirectory("hive-git-").FullName;
        Paths = HivePaths.Find(Path.Combine(Folder, "data"), Path.Combine(Folder, "run"));
        Quarantine = new GitQuarantine(Program, Paths);
    }

    public string Folder { get; }

    public HivePaths Paths { get; }

    public GitProgram Program { get; } = new();

    public GitQuarantine Quarantine { get; }

    public string Own => Path.Combine(Paths.DataDir, "applied", "coder");

    public string Agents => Path.Combine(Paths.DataDir, "agents", "coder", "config");

    /// <summary>The file that a planted program creates when it runs.</summary>
    public string Ran => Path.Combine(Folder, "ran");

    public static async Task<Repositories> Create()
    {
        var made = new Repositories();
        await GitProgram.Init(made.Own, bare: false, CancellationToken.None);
        Directory.CreateDirectory(made.Agents);
        made.AsAgent("init", "-q", "-b", "main");
        return made;
    }

    /// <summary>Runs git in the agent's repository, as the agent does.</summary>
    public string AsAgent(params string[] arguments) => AsSomebody(Agents, arguments);

    /// <summary>Runs git in a folder with only that folder's configuration.</summary>
    public static string AsSomebody(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(
            "git",
            [
                "-C",
                folder,
                "-c",
                "user.name=somebody",
                "-c",
                "user.email=some@body",
                "-c",
                "protocol.file.allow=always",
                .. arguments,
            ]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"git {string.Join(' ', arguments)}: {error.Result}");
        return output.Trim();
    }

    /// <summary>Commits a file as the agent; returns the commit.</summary>
    public string Commit(string file, string content)
    {
        File.WriteAllText(Path.Combine(Agents, file), content);
        AsAgent("add", "-A");
        AsAgent("commit", "-q", "-m", "a change");
        return AsAgent("rev-parse", "HEAD");
    }

    public Task<string> Fetch(string commit) =>
        Quarantine.Fetch(Agents, commit, Own, "refs/tags/proposal/1", TestContext.Current.CancellationToken);

    public Task<string> InOwn(params string[] arguments) =>
        Program.Run(Own, arguments, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
