using System.Reflection;
using System.Security.Cryptography;
using Hive.Cli.Terminal;

namespace Hive.Cli.Demo;

/// <summary>The demo's own world on disk: data, sockets and the host's log in one folder that can go away
/// whole.</summary>
internal sealed class DemoFolder
{
    // Who runs which script.
    private static readonly (string Agent, string Script)[] Agents =
    [
        ("manager", "manager.yaml"),
        ("alice", "worker.yaml"),
        ("bob", "worker.yaml"),
    ];

    public DemoFolder(string root) => Root = root;

    public string Root { get; }

    public string DataDir => Path.Combine(Root, "data");

    public string RunDir => Path.Combine(Root, "run");

    public string HostLog => Path.Combine(Root, "host.log");

    /// <summary>The name of the page through which this demo's login link reaches the browser.</summary>
    public string LoginPage => $"{Path.GetFileName(Root)}.html";

    /// <summary>A new folder only this user can enter, with a short path: a socket's path may have 107 bytes and TMPDIR
    /// is sometimes long.</summary>
    public static DemoFolder Create()
    {
        var root = Path.Combine("/tmp", $"hive-demo-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        try
        {
            var folder = new DemoFolder(root);
            const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            Directory.CreateDirectory(root, own);
            Directory.CreateDirectory(folder.DataDir, own);
            Directory.CreateDirectory(folder.RunDir, own);
            foreach (var (agent, script) in Agents)
                folder.WriteSettings(agent, script);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreachableException($"cannot make a folder for the demo: {e.Message}", e);
        }
    }

    /// <summary>Takes the folder away. What does not go is named on standard error: by now there is nothing better to
    /// do about it.</summary>
    public void Delete()
    {
        try
        {
            try
            {
                Directory.Delete(Root, recursive: true);
            }
            catch (Exception e)
                when (e is (IOException or UnauthorizedAccessException) and not DirectoryNotFoundException)
            {
                // An agent took a folder's rights away, or something was still being written.
                Open(new DirectoryInfo(Root));
                Directory.Delete(Root, recursive: true);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Whoever was first to clear up has done it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(
                $"hive: {Root} is left behind ({Plain.OneLine(e.Message)}); remove it with: rm -rf {Root}"
            );
        }
    }

    /// <summary>The last lines of the host's log: its own words on why it ended.</summary>
    public string LastWords()
    {
        try
        {
            return string.Join('\n', File.ReadLines(HostLog).TakeLast(20));
        }
        catch (IOException)
        {
            return "(it wrote nothing)";
        }
    }

    // What is in a folder can be listed and removed by whoever may read, write and enter it. A link is removed itself,
    // not what it leads to.
    private static void Open(DirectoryInfo folder)
    {
        folder.UnixFileMode |= UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (var inner in folder.EnumerateDirectories().Where(d => d.LinkTarget is null))
            Open(inner);
    }

    // The host copies an agent's settings from here each time the agent starts.
    private void WriteSettings(string agent, string script)
    {
        var applied = Path.Combine(DataDir, "applied", agent);
        Directory.CreateDirectory(applied);
        foreach (var (resource, file) in new[] { ("agent.yaml", "agent.yaml"), (script, "script.yaml") })
        {
            using var from =
                Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
                ?? throw new InvalidOperationException($"{resource} was not built into the command");
            using var to = File.Create(Path.Combine(applied, file));
            from.CopyTo(to);
        }
    }
}
