using Hive.Common.Linux;

namespace Hive.Host;

/// <summary>
/// Checks what the names of Hive's own files and folders stand for, before any of them is opened. A link would lead
/// Hive to the file of somebody else, and a pipe would hold the start up for ever.
/// </summary>
internal static class FolderContents
{
    /// <summary>The files directly in a data folder, in the order in which they are checked.</summary>
    public static readonly IReadOnlyList<string> Files =
    [
        "hive.json",
        "prices.json",
        "access-token",
        "access-token.new",
        "forge-core-token",
        "forge-core-token.new",
        "forge-core-password",
        "forge-core-password.new",
        "forge-webhook-secret",
        "forge-webhook-secret.new",
        "restore.json",
        "hive.sqlite",
        "hive.sqlite-wal",
        "hive.sqlite-shm",
        "hive.sqlite-journal",
        "hive.sqlite-commits",
        "logs/host.log",
        "logs/host.log.1",
    ];

    /// <summary>The folders directly in a data folder.</summary>
    public static readonly IReadOnlyList<string> Folders =
    [
        "agents",
        "applied",
        "evidence",
        "inputs",
        "launch",
        "logs",
        "meta",
        "pids",
        "shared",
        "tmp",
        "trash",
    ];

    /// <summary>Refuses a data folder in which a name of Hive stands for something else.</summary>
    /// <exception cref="StartupProblem">Names the entry, what it is, and the way out.</exception>
    public static void CheckData(string folder)
    {
        Check(folder, Folders, EntryKind.Folder);
        Check(folder, Files, EntryKind.File);
    }

    /// <summary>Refuses a run folder in which a name of Hive stands for something else.</summary>
    /// <exception cref="StartupProblem">Names the entry, what it is, and the way out.</exception>
    public static void CheckRun(string folder)
    {
        Check(folder, ["agents"], EntryKind.Folder);
        Check(folder, ["host.sock"], EntryKind.Socket);
    }

    /// <summary>Refuses a lock or its note that is something else.</summary>
    /// <exception cref="StartupProblem">Names the entry, what it is, and the way out.</exception>
    public static void CheckLock(string folder) => Check(folder, ["hive.lock", "hive.pid"], EntryKind.File);

    private const string DatabaseName = "/hive.sqlite";

    private const string Restore = "; a backup brings the database back (`hive up --restore FILE --replace`)";

    private static void Check(string folder, IEnumerable<string> names, EntryKind wanted)
    {
        foreach (var path in names.Select(name => Path.Combine(folder, name)))
        {
            var found = LinuxPath.KindOf(path);
            if (found != EntryKind.Missing && found != wanted)
                throw new StartupProblem(
                    $"{path} is {Words(path, found)}, and Hive makes only {Words(path, wanted)} of that name; "
                        + (found == EntryKind.Link ? OwnLink(path, wanted) : "")
                        + "find out who put it there, then move it away or remove it, and start Hive again"
                        + (path.EndsWith(DatabaseName, StringComparison.Ordinal) ? Restore : "")
                );
        }
    }

    // Beside the database: its newest commits, and the note by which a loss of them is noticed. Left behind, they are
    // lost.
    private static readonly string[] BesideDatabase = ["-wal", "-commits"];

    // Links worked in data folders of older versions.
    private static string OwnLink(string path, EntryKind wanted)
    {
        var target = FinalTarget(path);
        return wanted switch
        {
            EntryKind.Folder =>
                $"if you moved the folder yourself, move it back, and lose nothing: `rm {path} && mv {target} {path}`; "
                    + "to keep it on another disk, move the whole data folder there (--data-dir). If you did not, ",
            EntryKind.File =>
                $"if you made the link yourself, move the file back: `{string.Join(" && ", Moves(path, target))}`. "
                    + "If you did not, ",
            _ => "",
        };
    }

    // The database comes last: Hive does not start before all of it is there.
    private static IEnumerable<string> Moves(string path, string target) =>
        [
            .. (path.EndsWith(DatabaseName, StringComparison.Ordinal) ? BesideDatabase : [])
                .Where(part => File.Exists(target + part))
                .Select(part => $"mv {target}{part} {path}{part}"),
            $"rm {path}",
            $"mv {target} {path}",
        ];

    private static string FinalTarget(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? "TARGET";
        }
        catch (IOException)
        {
            // Links that lead in a circle.
            return "TARGET";
        }
    }

    private static string Words(string path, EntryKind kind) =>
        kind switch
        {
            EntryKind.Link => $"a symbolic link to {new FileInfo(path).LinkTarget ?? "somewhere"}",
            EntryKind.File => "a file",
            EntryKind.Folder => "a folder",
            EntryKind.Socket => "a socket",
            EntryKind.Pipe => "a named pipe",
            _ => "a device",
        };
}
