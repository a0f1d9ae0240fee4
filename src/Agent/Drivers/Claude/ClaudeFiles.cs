using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Claude;

/// <summary>
/// Writes the files of a turn and builds the command line that names them. They lie beside the tool's credentials in a
/// folder that only this user can read, since a server's variables may hold keys. The folder is always the same, so
/// that a kill leaves nothing that the next process does not reuse.
/// </summary>
internal sealed class ClaudeFiles : IDisposable
{
    private const string SnapshotOption = "--system-prompt-snapshot",
        PartialOption = "--include-partial-messages";
    private const string NoBackgroundVariable = "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
        StopTool = "TaskStop";
    private const string ModelVariable = "ANTHROPIC_MODEL",
        DefaultModel = "default";

    // The default tools; none of them asks a person, since nobody is there.
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

    private const string OfTicket = "conversation-";

    // Conversations of tickets that are remembered; the tool keeps its own for weeks.
    private const int MostTickets = 100;

    // Questions whose tickets are remembered.
    private const int MostQuestions = 200;

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DriverContext context;
    private readonly string folder;
    private readonly string program;
    private readonly string systemPrompt,
        promptHash;
    private readonly ClaudeLogin login;
    private readonly ClaudeSkills skills;

    // The model of the run whose command was made last; "" for the tool's own.
    private string noted = "";

    // Options that older versions do not know and that a turn can do without.
    private readonly HashSet<string> optional = [SnapshotOption, PartialOption];

    /// <exception cref="FormatException">The file of the role cannot be read.</exception>
    public ClaudeFiles(DriverContext context)
    {
        this.context = context;
        login = new ClaudeLogin(context.Settings);
        // Several agents may share a home, so each has its own folder.
        folder = Path.Combine(login.Folder, $"hive-{StableHash.Of(context.Socket)[..8]}");
        program = System.Environment.ProcessPath!;
        skills = new ClaudeSkills(Path.Combine(folder, "skills"), context.Log);
        Environment = new Dictionary<string, string?>(
            context.Settings.Environment.Select(v => KeyValuePair.Create(v.Key, (string?)v.Value))
        )
        {
            // Background tasks would hold a turn open; agent.yaml can allow them.
            [NoBackgroundVariable] = context.Settings.Environment.GetValueOrDefault(NoBackgroundVariable, "1"),
            ["DISABLE_AUTOUPDATER"] = "1",
            ["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] = "1",
            // A Claude Code around this process sets these, and they change the behaviour of the inner one.
            ["CLAUDECODE"] = null,
            ["CLAUDE_CODE_ENTRYPOINT"] = null,
        };
        systemPrompt = SystemPrompt();
        promptHash = StableHash.Of(systemPrompt);
        Ticket = context.Settings.IsConversationOfTicket ? NotedTicket() : null;
    }

    /// <summary>The environment of every run, without updates and background traffic.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>Whether agent.yaml allows background tasks.</summary>
    private bool InBackground =>
        FalseWords.Contains(Environment[NoBackgroundVariable], StringComparer.OrdinalIgnoreCase);

    private string Settings => Path.Combine(folder, "settings.json");

    private string Prompt => Path.Combine(folder, "prompt.md");

    private string McpConfig => Path.Combine(folder, "mcp.json");

    /// <summary>The file that remembers the present conversation.</summary>
    private string Note => Path.Combine(folder, Ticket is { } of ? $"{OfTicket}{of}" : "conversation");

    /// <summary>The ticket of the present conversation; null before the first one.</summary>
    public long? Ticket { get; private set; }

    /// <summary>The file with the ticket of the present conversation.</summary>
    private string TicketNote => Path.Combine(folder, "ticket");

    /// <summary>The file with questions and the tickets whose conversations asked them.</summary>
    private string QuestionsNote => Path.Combine(folder, "questions");

    /// <summary>Writes the files and returns the command line that names them.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be written.</exception>
    /// <param name="turn">The turn of the tools; null between turns.</param>
    /// <param name="model">The model; null for the tool's default.</param>
    /// <param name="conversation">The arguments from <see cref="Conversation"/>; none for a new conversation.</param>
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
        if (Named(model, conversation) is { } named)
            command.AddRange(["--model", named]);
        if (skills.Link() is { } linked)
            command.AddRange(["--add-dir", linked]);
        // A recorded prompt would stay in force for the conversation, whatever is approved later.
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

    // A conversation keeps the model that was named last, so the tool's default has to be named after another one.
    private string? Named(string? model, IReadOnlyList<string> conversation)
    {
        // This variable goes before the conversation's model, and `--model default` before the variable.
        var own =
            Environment.GetValueOrDefault(ModelVariable) ?? System.Environment.GetEnvironmentVariable(ModelVariable);
        var named =
            model ?? (string.IsNullOrEmpty(own) && conversation.Count > 0 && ModelOfNote() != "" ? DefaultModel : null);
        noted = named ?? own ?? "";
        return named;
    }

    /// <summary>Stops using an option; false when a turn needs it.</summary>
    public bool LeaveOut(string option) => optional.Remove(option);

    /// <summary>The arguments that continue the agent's conversation; none when it has none.</summary>
    public IReadOnlyList<string> Conversation()
    {
        var projects = Path.Combine(login.Folder, "projects");
        try
        {
            if (!Directory.Exists(projects))
                return [];
            if (!File.Exists(Note))
                return
                    Ticket is null && Directory.EnumerateFiles(projects, "*.jsonl", SearchOption.AllDirectories).Any()
                    ? ["--continue"]
                    : [];
            // The agent's conversation was given up or is gone; others belong to somebody else.
            var (id, prompt, _) = Noted();
            if (id is null)
                return [];
            var found = Directory.EnumerateFiles(projects, $"{id}.jsonl", SearchOption.AllDirectories);
            if (found.FirstOrDefault() is not { } own)
                return [];
            // The tool may have recorded the prompt, so another prompt needs a new conversation.
            if (!optional.Contains(SnapshotOption) && prompt != promptHash)
                return [];
            // The newest is another one when a person, or the agent itself, ran the tool here.
            return NewestBeside(own) == own ? ["--continue"] : ["--resume", id];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The tool reports a missing conversation itself, which costs one more start.
            return ["--continue"];
        }
    }

    /// <summary>Goes on in the conversation of a ticket, also in the next process.</summary>
    public void ChangeTicket(long wanted)
    {
        Ticket = wanted;
        WriteNote(TicketNote, wanted.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Remembers the questions that the present ticket's conversation asked: those that no other ticket's is
    /// known to have asked.</summary>
    /// <param name="open">The agent's open questions.</param>
    public void RememberQuestions(IReadOnlyList<long> open)
    {
        var known = Questions();
        var added = open.Where(id => known.All(q => q.Question != id))
            .Select(id => (Question: id, Ticket: Ticket!.Value));
        var kept = known.Concat(added).TakeLast(MostQuestions);
        WriteNote(
            QuestionsNote,
            string.Join('\n', kept.Select(q => string.Create(CultureInfo.InvariantCulture, $"{q.Question} {q.Ticket}")))
        );
    }

    /// <summary>The ticket whose conversation asked a question; null when that is not known.</summary>
    public long? TicketOfQuestion(long question) =>
        Questions().Where(q => q.Question == question).Select(q => (long?)q.Ticket).FirstOrDefault();

    /// <summary>Remembers the present conversation.</summary>
    public void Remember(string conversation)
    {
        if (!IsConversation(conversation))
            return;
        WriteNote(Note, $"{conversation}\n{promptHash}\n{noted}");
        ForgetOldTickets();
    }

    /// <summary>Makes the next run start a new conversation, also in the next process.</summary>
    public void Forget()
    {
        WriteNote(Note, "");
        // A full disk takes no new file, but the old one can be emptied.
        if (ReadNote(Note).Length > 0)
            Empty(Note);
    }

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
            // Nothing has run yet.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"the files in {folder} could not be removed: {e.Message}");
        }
    }

    private long? NotedTicket() => NumberOf(ReadNote(TicketNote));

    private (long Question, long Ticket)[] Questions() =>
        [
            .. ReadNote(QuestionsNote)
                .Split('\n')
                .Select(line => line.Split(' '))
                .Where(pair => pair.Length == 2)
                .Select(pair => (Question: NumberOf(pair[0]), Ticket: NumberOf(pair[1])))
                .Where(q => q is { Question: not null, Ticket: not null })
                .Select(q => (q.Question!.Value, q.Ticket!.Value)),
        ];

    private static long? NumberOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string ReadNote(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing was noted yet.
            return "";
        }
    }

    private void ForgetOldTickets()
    {
        try
        {
            foreach (
                var old in Directory
                    .EnumerateFiles(folder, $"{OfTicket}*")
                    .OrderByDescending(File.GetLastWriteTimeUtc)
                    .Skip(MostTickets)
            )
                File.Delete(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"old conversations in {folder} could not be forgotten: {e.Message}");
        }
    }

    private void WriteNote(string path, string note)
    {
        try
        {
            if (File.Exists(path) && File.ReadAllText(path) == note)
            {
                // So that the tickets which have not come for longest are forgotten first.
                File.SetLastWriteTimeUtc(path, context.Time.GetUtcNow().UtcDateTime);
                return;
            }

            // Atomically: the next process needs a whole note.
            Write($"{path}.new", note);
            File.Move($"{path}.new", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"the agent's conversation could not be remembered: {e.Message}");
        }
    }

    private void Empty(string path)
    {
        try
        {
            File.WriteAllText(path, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Log.Warn($"the agent's conversation could not be given up: {e.Message}");
        }
    }

    // Always written again, since the agent may have deleted or replaced the file.
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

    // The conversation, its last prompt, and the model that was named last; earlier versions wrote less.
    private (string? Conversation, string? Prompt, string? Model) Noted() =>
        File.ReadAllText(Note).Split('\n') is [var id, .. var more] && IsConversation(id)
            ? (id, more.FirstOrDefault(), more.ElementAtOrDefault(1))
            : default;

    private string ModelOfNote()
    {
        try
        {
            return File.Exists(Note) ? Noted().Model ?? "" : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // Conversations of its helpers have names of another form.
    private static string? NewestBeside(string conversation) =>
        Directory
            .EnumerateFiles(Path.GetDirectoryName(conversation)!, "*.jsonl")
            .Where(path => IsConversation(Path.GetFileNameWithoutExtension(path)))
            .MaxBy(File.GetLastWriteTimeUtc);

    // The id becomes an argument and a file name.
    private static bool IsConversation(string id) => Guid.TryParseExact(id, "D", out _);

    // `Bash(git *)` allows part of the tool `Bash`.
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

    private static string Resource(string name)
    {
        using var stream = typeof(ClaudeFiles).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private string SystemPrompt()
    {
        var text = Resource("claude-prompt.md");
        if (context.Settings.Duty == AgentSettings.Worker)
            text += "\n" + Resource("claude-worker.md");
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
            // `/shared` in a container; without one, the folder beside `agents`.
            .Replace("{shared}", Path.GetFullPath("../../../shared", context.StateDir), StringComparison.Ordinal)
            .Replace("{inputs}", ClaudeSkills.Inputs, StringComparison.Ordinal)
            .Replace("{operator_pronouns}", context.Pronouns ?? "they/them", StringComparison.Ordinal)
            .Replace("{body_bytes}", Limits.BodyBytes.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
