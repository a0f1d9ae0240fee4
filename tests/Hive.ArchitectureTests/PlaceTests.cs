using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary>Checks that SQL, files, processes and SQLite are used only where they belong.</summary>
public sealed partial class PlaceTests
{
    private static readonly IReadOnlyList<ScannedType> Server =
    [
        .. Solution.Features.Types,
        .. Solution.Runtimes.Types,
        .. Solution.Common.Types,
        .. Solution.Protocol.Types,
        .. Solution.Host.Types,
    ];

    private static readonly TypeName LinuxFile = new("Hive.Common.Linux", "LinuxFile");

    // Types whose methods open files; System.IO.Path opens none.
    private static readonly string[] FileTypes =
    [
        "File",
        "Directory",
        "FileStream",
        "FileInfo",
        "DirectoryInfo",
        "FileSystemInfo",
        "FileSystemWatcher",
        "RandomAccess",
    ];

    [Fact]
    public void SQL_is_written_only_in_slices_and_in_the_store()
    {
        var writers = Solution
            .All.SelectMany(a => a.Types)
            .Where(t => t.Texts.Any(text => Sql().IsMatch(text)))
            .ToArray();
        Assert.Contains(writers, t => Solution.SliceOf(t.Name.Namespace) is not null);
        Assert.Contains(writers, t => t.Name.Namespace == "Hive.Common.Storage");
        // The harness keeps its own database of turn statistics.
        Assert.Contains(writers, t => t.Name.Namespace == "Hive.Agent.Statistics");
        Assert.Empty(
            writers
                .Where(t =>
                    Solution.SliceOf(t.Name.Namespace) is null
                    && t.Name.Namespace is not ("Hive.Common.Storage" or "Hive.Agent.Statistics")
                )
                .Select(t => t.ToString())
        );
    }

    // .NET loads OpenSSL for it, which an image of containers may lack.
    [Fact]
    public void The_harness_uses_no_cryptography() =>
        Assert.Empty(
            Solution
                .Agent.Types.Concat(Solution.Protocol.Types)
                .Where(t => t.Uses.Any(u => u.Namespace == "System.Security.Cryptography"))
                .Select(t => t.ToString())
        );

    [Fact]
    public void Only_the_store_knows_SQLite()
    {
        var users = Solution
            .All.SelectMany(a => a.Types)
            .Where(t => t.Uses.Any(u => u.Namespace is "Microsoft.Data.Sqlite" or "SQLitePCL"))
            .ToArray();
        Assert.NotEmpty(users);
        // HiveApp reports why the database cannot be opened.
        Assert.Empty(
            users
                .Where(t =>
                    t.Name.Namespace is not ("Hive.Common.Storage" or "Hive.Agent.Statistics")
                    && !t.ToString().StartsWith("Hive.Host.HiveApp", StringComparison.Ordinal)
                )
                .Select(t => t.ToString())
        );
    }

    [Fact]
    public void Files_are_opened_only_by_the_slices_and_folders_that_own_them()
    {
        string[] owners =
        [
            "Hive.Features.StateFiles.", // the only place for paths that came from outside
            "Hive.Features.Meta.", // the repositories of the swarm, all named by the host
            "Hive.Features.Approvals.AppliedRepository", // files in an applied repository that git cannot keep
            "Hive.Features.Containers.", // the agents' folders and specs, all named by the host
            "Hive.Runtimes.", // logs, pid files, control groups and the settings of containers, all named by the host
            "Hive.Features.Backups.", // the folder in which a backup is collected
            "Hive.Features.Turns.Prices", // prices.json, named by the host
            "Hive.Features.Forge.", // Hive's token, the webhook's secret and files that the options name
            "Hive.Features.Gates.CommitEvidence", // the repositories of evidence, all named by the host
            "Hive.Features.Gates.EvidenceRestore", // the bundles of a backup that was unpacked
            "Hive.Features.Dashboard.AccessToken", // the access token's file
            "Hive.Common.Git.", // the host's repositories, and agents' objects, opened without following links
            "Hive.Common.Doors.SocketDoor", // the socket files
            "Hive.Features.Egress.EgressProxy", // the socket files of the agents' proxies
            "Hive.Common.Storage.", // the database, its write-ahead log and the note of the last commit
            "Hive.Protocol.HivePaths", // hive.json
            "Hive.Protocol.Options.", // hive.json, and folders that options name
            "Hive.Host.", // locks, page
        ];
        var users = Server
            .Where(t => t.Calls.Any(IsFileCall) || t.Uses.Contains(LinuxFile))
            .Where(t => t.Name.Namespace != LinuxFile.Namespace)
            .Select(t => t.ToString())
            .ToArray();
        Assert.All(owners, owner => Assert.Contains(users, u => u.StartsWith(owner, StringComparison.Ordinal)));
        Assert.DoesNotContain(users, u => !owners.Any(o => u.StartsWith(o, StringComparison.Ordinal)));
    }

    [Fact]
    public void Processes_are_started_by_one_runner_for_containers_git_nix_and_the_forge()
    {
        string[] starting =
        [
            "Hive.Runtimes.",
            "Hive.Features.Containers.",
            "Hive.Common.Linux.MappedFolders",
            "Hive.Common.Git.GitProgram",
            "Hive.Features.Meta.NixFlake",
            "Hive.Features.Forge.ContainerAdmin",
        ];
        Assert.All(
            Server.Where(t => t.Calls.Contains("System.Diagnostics.Process.Start")),
            t =>
                Assert.True(
                    t.Name is { Namespace: "Hive.Common.Processes" },
                    $"{t} starts a process itself; use Hive.Common.Processes"
                )
        );
        var starters = Server
            .Where(t =>
                t.Name.Namespace != "Hive.Common.Processes"
                && (
                    t.Calls.Contains("System.Diagnostics.Process.Start")
                    || t.Uses.Any(u => u.Namespace == "Hive.Common.Processes")
                )
            )
            .Select(t => t.ToString())
            .ToArray();
        Assert.All(starting, place => Assert.Contains(starters, s => s.StartsWith(place, StringComparison.Ordinal)));
        Assert.All(starters, s => Assert.Contains(starting, place => s.StartsWith(place, StringComparison.Ordinal)));
    }

    [Fact]
    public void Nothing_in_the_server_blocks_a_thread_by_sleeping()
    {
        Assert.Contains(Server, t => t.Calls.Contains("System.Threading.Tasks.Task.Delay"));
        Assert.Empty(Server.Where(t => t.Calls.Contains("System.Threading.Thread.Sleep")).Select(t => t.ToString()));
    }

    [Fact]
    public void The_solution_builds_every_project()
    {
        var solution = File.ReadAllText(Path.Combine(Solution.Root, "Hive.sln"));
        var built = SolutionProject()
            .Matches(solution)
            .Where(m => solution.Contains($"{m.Groups["id"].Value}.Release|Any CPU.Build.0", StringComparison.Ordinal))
            .Select(m => m.Groups["path"].Value.Replace('\\', '/'));
        var projects = new[] { "src", "tests", "bench" }
            .SelectMany(folder =>
                Directory.EnumerateFiles(
                    Path.Combine(Solution.Root, folder),
                    "*.csproj",
                    new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }
                )
            )
            .Select(p => Path.GetRelativePath(Solution.Root, p))
            .ToArray();
        Assert.NotEmpty(projects);
        Assert.Equal(projects.Order(), built.Order());
    }

    private static bool IsFileCall(string call) =>
        call.StartsWith("System.IO.", StringComparison.Ordinal)
        && FileTypes.Contains(call["System.IO.".Length..].Split('.')[0]);

    [GeneratedRegex(
        @"^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+(\s+SET\b|\s*$)|DELETE\s+FROM\s"
            + @"|CREATE\s+(TABLE|INDEX|UNIQUE)\b|ALTER\s+TABLE\s|DROP\s+TABLE\s|PRAGMA\s|BEGIN IMMEDIATE"
            + @"|SAVEPOINT\s|WITH\s+\w+\s+AS\b)",
        RegexOptions.Multiline
    )]
    private static partial Regex Sql();

    [GeneratedRegex(
        """^Project\("\{[^"]+\}"\) = "[^"]+", "(?<path>[^"]+\.csproj)", "(?<id>\{[^"]+\})""",
        RegexOptions.Multiline
    )]
    private static partial Regex SolutionProject();
}
