using System.Reflection;
using System.Security.Cryptography;
using Hive.Cli.Terminal;

namespace Hive.Cli.Demo;

/// <summary>The demo's folder, which holds its data, its sockets and the host's log.</summary>
internal sealed class DemoFolder
{
    // The script and the configuration of each agent.
    private static readonly (string Agent, string Script, string Configuration)[] Agents =
    [
        ("manager", "manager.yaml", "agent.yaml"),
        ("alice", "analyst.yaml", "analyst-agent.yaml"),
        ("bob", "builder.yaml", "builder-agent.yaml"),
        ("carol", "tester.yaml", "tester-agent.yaml"),
    ];

    public DemoFolder(string root) => Root = root;

    public string Root { get; }

    public string DataDir => Path.Combine(Root, "data");

    public string RunDir => Path.Combine(Root, "run");

    public string HostLog => Path.Combine(Root, "host.log");

    /// <summary>The name of the file that hands this demo's login link to the browser.</summary>
    public string LoginPage => $"{Path.GetFileName(Root)}.html";

    /// <summary>
    /// Creates a folder that only this user can enter. Its path is short, since a socket path has at most 107 bytes and
    /// TMPDIR may be long.
    /// </summary>
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
            foreach (var (agent, script, configuration) in Agents)
                folder.WriteConfiguration(agent, script, configuration);
            // The model of the demo's agents has a price here, so that the page has costs to show.
            Write("prices.json", Path.Combine(folder.DataDir, "prices.json"));
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreachableException($"cannot create a folder for the demo: {e.Message}", e);
        }
    }

    /// <summary>Deletes the folder; a failure is reported on standard error only, since the demo has ended.</summary>
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
                // An agent removed a folder's permissions, or something was still being written.
                GrantAccess(new DirectoryInfo(Root));
                Directory.Delete(Root, recursive: true);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // The keeper deleted it first.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(
                $"hive: {Root} could not be deleted ({Plain.OneLine(e.Message)}); delete it with: rm -rf {Root}"
            );
        }
    }

    /// <summary>The last lines of the host's log, which say why it ended.</summary>
    public string EndOfLog()
    {
        try
        {
            return string.Join('\n', File.ReadLines(HostLog).TakeLast(20));
        }
        catch (IOException)
        {
            return "(its log is empty)";
        }
    }

    // Deleting needs the permissions of every folder inside. A link is skipped: it is deleted itself, not its target.
    private static void GrantAccess(DirectoryInfo folder)
    {
        folder.UnixFileMode |= UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (var inner in folder.EnumerateDirectories().Where(d => d.LinkTarget is null))
            GrantAccess(inner);
    }

    // The host copies an agent's configuration from here at each start of the agent.
    private void WriteConfiguration(string agent, string script, string configuration)
    {
        var applied = Path.Combine(DataDir, "applied", agent);
        Directory.CreateDirectory(applied);
        Write(configuration, Path.Combine(applied, "agent.yaml"));
        Write(script, Path.Combine(applied, "script.yaml"));
    }

    /// <summary>The workflow of the demo's tickets.</summary>
    public static string Workflow()
    {
        using var reader = new StreamReader(Resource("workflow.yaml"));
        return reader.ReadToEnd();
    }

    private static void Write(string resource, string file)
    {
        using var from = Resource(resource);
        using var to = File.Create(file);
        from.CopyTo(to);
    }

    private static Stream Resource(string name) =>
        Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
        ?? throw new InvalidOperationException($"{name} is missing in this program");
}
