using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Claude;

/// <summary>
/// The command line of a turn and the files that it names, beside the tool's credentials in a folder that only this
/// user can read: a server's variables may hold keys. The folder is the same one each time, so that a kill leaves
/// nothing that the next life does not take up.
/// </summary>
internal sealed class ClaudeFiles : IDisposable
{
    private const string SnapshotOption = "--system-prompt-snapshot",
        PartialOption = "--include-partial-messages";
    private const string NoBackgroundVariable = "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
        StopTool = "TaskStop";

    // What an agent may use unless agent.yaml says otherwise. Nothing that asks a person: nobody is there.
    private static readonly string[] DefaultTools =
    [
        "Agent",
        "Bash",
        "Edit",
        "Glob",
        "Grep",
        "NotebookEdit",
        "Read",
        "Skill",
        "TaskCreate",
        "TaskGet",
        "TaskList",
        "TaskUpdate",
        "WebFetch",
        "WebSearch",
        "Write",
    ];

    private static readonly string[] FalseWords = ["", "0", "false", "no", "off"];

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DriverContext context;
    private readonly string folder;
    private readonly string program;
    private readonly string systemPrompt,
        promptHash;
    private readonly ClaudeLogin login;
    private readonly ClaudeSkills skills;

    // Options that not every version knows, and without which a turn can be done.
    private readonly HashSet<string> optional = [SnapshotOption, PartialOption];

    /// <exception cref="FormatException">The role's file cannot be read.</exception>
    public ClaudeFiles(DriverContext context)
    {
        this.context = context;
        login = new ClaudeLogin(context.Settings);
        // Where one person's home serves several agents, each has its own.
        folder = Path.Combine(
            login.Folder,
            $"hive-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context.Socket)))[..8]}"
        );
        program = System.Environment.ProcessPath!;
        skills = new ClaudeSkills(Path.Combine(folder, "skills"), context.Log);
        Environment = new Dictionary<string, string?>(
            context.Settings.Environment.Select(v => KeyValuePair.Create(v.Key, (string?)v.Value))
        )
        {
            // A turn is over when the agent says so: background tasks would hold it open. agent.yaml may say otherwise.
            [NoBackgroundVariable] = context.Settings.Environment.GetValueOrDefault(NoBackgroundVariable, "1"),
            ["DISABLE_AUTOUPDATER"] = "1",
            ["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] = "1",
            // Set by a Claude Code around this process; it would change what the one inside does.
            ["CLAUDECODE"] = null,
            ["CLAUDE_CODE_ENTRYPOINT"] = null,
        };
        systemPrompt = SystemPrompt();
        promptHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(systemPrompt)));
    }

    /// <summary>For every run: no update and no chatter from inside of a turn.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>agent.yaml turns background tasks on.</summary>
    private bool InBackground =>
        FalseWords.Contains(Environment[NoBackgroundVariable], StringComparer.OrdinalIgnoreCase);

    private string Settings => Path.Combine(folder, "settings.json");

    private string Prompt => Path.Combine(folder, "prompt.md");

    private string McpConfig => Path.Combine(folder, "mcp.json");

    private string Note => Path.Combine(folder, "conversation");

    /// <summary>What to run, after the files that it names have been written.</summary>
    /// <exception cref="IOException">They could not be.</exception>
    /// <exception cref="UnauthorizedAccessException">They may not be.</exception>
    /// <param name="turn">The turn that the tools belong to.</param>
    /// <param name="model">Null for the tool's own choice.</param>
    /// <param name="conversation">From <see cref="Conversation"/>, or nothing for a new one.</param>
    public IReadOnlyList<string> Command(long? turn, string? model, IReadOnlyList<string> conversation)
    {
        Write(Settings, """{"autoMemoryEnabled":false}""");
        Write(Prompt, systemPrompt);
        Write(McpConfig, Servers(turn).ToJsonString());
        IReadOnlyList<string> tools = context.Settings.Tools ?? DefaultTools;
        if (InBackground && !tools.Contains(StopTool))
            tools = [.. tools, StopTool];
        List<string> command =
        [
            .. login.Program,
            "--print",
            "--verbose",
            "--output-format",
            "stream-json",
            .. conversation,
        ];
        if (optional.Contains(PartialOption))
            command.Add(PartialOption);
        if (model is not null)
            command.AddRange(["--model", model]);
        if (skills.Link() is { } linked)
            command.AddRange(["--add-dir", linked]);
        // Recorded, the prompt of the conversation's beginning would stay in force whatever is approved later.
        if (optional.Contains(SnapshotOption))
            command.AddRange([SnapshotOption, "off"]);
        command.AddRange([
            "--settings",
            Settings,
            "--append-system-prompt-file",
            Prompt,
            "--mcp-config",
            McpConfig,
            "--strict-mcp-config",
            "--tools",
            string.Join(',', tools.Select(NameOf).Distinct()),
            "--allowedTools",
            .. tools,
            .. AllowedOfServers(),
        ]);
        return command;
    }

    /// <summary>Leaves an option out from now on; false when a turn cannot be done without it.</summary>
    public bool LeaveOut(string option) => optional.Remove(option);

    /// <summary>The arguments that take the agent's conversation up; none when there is none.</summary>
    public IReadOnlyList<string> Conversation()
    {
        var projects = Path.Combine(login.Folder, "projects");
        try
        {
            if (!Directory.Exists(projects))
                return [];
            if (!File.Exists(Note))
                return Directory.EnumerateFiles(projects, "*.jsonl", SearchOption.AllDirectories).Any()
                    ? ["--continue"]
                    : [];
            // Given up, or gone: what there is besides is somebody else's.
            var (id, prompt) = Noted();
            if (id is null)
                return [];
            var found = Directory.EnumerateFiles(projects, $"{id}.jsonl", SearchOption.AllDirectories);
            if (found.FirstOrDefault() is not { } own)
                return [];
            // Where the tool may have recorded the conversation's prompt, another prompt needs another conversation.
            if (!optional.Contains(SnapshotOption) && prompt != promptHash)
                return [];
            // The newest is somebody else's when a person, or the agent itself, ran the tool here too.
            return NewestBeside(own) == own ? ["--continue"] : ["--resume", id];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The tool says so itself, at the price of one more start.
            return ["--continue"];
        }
    }

    /// <summary>Notes which conversation is the agent's.</summary>
    public void Remember(string conversation)
    {
        if (IsConversation(conversation))
            TakeDown($"{conversation}\n{promptHash}");
    }

    /// <summary>Notes that the next one is a new one, whatever becomes of this process.</summary>
    public void Forget() => TakeDown("");

    public void Dispose()
    {
        try
        {
            foreach (var file in (string[])[Settings, Prompt, McpConfig])
                File.Delete(file);
            skills.Unlink();
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was run.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"the files in {folder} could not be removed: {e.Message}");
        }
    }

    private void TakeDown(string note)
    {
        try
        {
            if (File.Exists(Note) && File.ReadAllText(Note) == note)
                return;
            // In one step: without a note, or with half of one, the next life would not know.
            Write($"{Note}.new", note);
            File.Move($"{Note}.new", Note, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"which conversation is the agent's could not be noted: {e.Message}");
        }
    }

    // Each time anew: the agent may have tidied its home, or put something else there.
    private void Write(string path, string text)
    {
        Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
        File.SetUnixFileMode(folder, Private | UnixFileMode.UserExecute);
        File.Delete(path);
        using var file = new StreamWriter(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = Private,
            }
        );
        file.Write(text);
    }

    // The conversation and the prompt that it had last; an earlier version noted the first alone.
    private (string? Conversation, string? Prompt) Noted() =>
        File.ReadAllText(Note).Split('\n') is [var id, .. var more] && IsConversation(id)
            ? (id, more.FirstOrDefault())
            : default;

    // Its helpers' conversations lie beside it under names of another form.
    private static string? NewestBeside(string conversation) =>
        Directory
            .EnumerateFiles(Path.GetDirectoryName(conversation)!, "*.jsonl")
            .Where(path => IsConversation(Path.GetFileNameWithoutExtension(path)))
            .MaxBy(File.GetLastWriteTimeUtc);

    // It becomes an argument and the name of a file.
    private static bool IsConversation(string id) => Guid.TryParseExact(id, "D", out _);

    // `Bash(git *)` allows a part of the tool `Bash`.
    private static string NameOf(string tool) => tool.Split('(')[0];

    private IEnumerable<string> AllowedOfServers() =>
        context
            .Settings.McpServers.SelectMany(server =>
                server.Value.AllowedTools.Select(tool =>
                    tool == "*" ? $"mcp__{server.Key}" : $"mcp__{server.Key}__{tool}"
                )
            )
            .Prepend($"mcp__{McpServerSettings.Own}");

    private JsonObject Servers(long? turn)
    {
        var servers = new JsonObject();
        string[] arguments = turn is { } id
            ? ["mcp", "--socket", context.Socket, "--turn", id.ToString(CultureInfo.InvariantCulture)]
            : ["mcp", "--socket", context.Socket];
        servers[McpServerSettings.Own] = Server(program, arguments, new Dictionary<string, string>());
        foreach (var (name, server) in context.Settings.McpServers)
            servers[name] = Server(server.Command, server.Args, server.Env);
        return new JsonObject { ["mcpServers"] = servers };
    }

    private static JsonObject Server(
        string command,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment
    ) =>
        new()
        {
            ["type"] = "stdio",
            ["command"] = command,
            ["args"] = new JsonArray([.. arguments.Select(a => (JsonNode)a)]),
            ["env"] = new JsonObject(environment.Select(v => KeyValuePair.Create(v.Key, (JsonNode?)v.Value))),
        };

    private string SystemPrompt()
    {
        using var stream = typeof(ClaudeFiles).Assembly.GetManifestResourceStream("claude-prompt.md")!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        if (context.Settings.Role is { } role)
        {
            var path = Path.Combine(context.Settings.Folder, role);
            try
            {
                text += "\n" + File.ReadAllText(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new FormatException($"the role {path} cannot be read: {e.Message}", e);
            }
        }

        return text.Replace("{name}", context.Name, StringComparison.Ordinal)
            .Replace("{role}", context.Role, StringComparison.Ordinal)
            .Replace("{state_dir}", context.StateDir.TrimEnd('/'), StringComparison.Ordinal)
            // `/shared` in a container; where the agent sees the host's folders, the one beside `agents`.
            .Replace("{shared}", Path.GetFullPath("../../../shared", context.StateDir), StringComparison.Ordinal)
            .Replace("{inputs}", ClaudeSkills.Inputs, StringComparison.Ordinal)
            .Replace("{operator_pronouns}", context.Pronouns ?? "they/them", StringComparison.Ordinal)
            .Replace("{body_bytes}", Limits.BodyBytes.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
