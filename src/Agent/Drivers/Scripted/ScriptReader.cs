using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>Reads a script; an unknown key or action is an error that lists the allowed ones.</summary>
internal sealed partial class ScriptReader
{
    public static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(1);

    private const int DeepestChoose = 4,
        DeepestValue = 16;
    private const long LongestWait = 24 * 60 * 60;

    private readonly StrictYaml yaml;

    private ScriptReader(string file) => yaml = new StrictYaml(file);

    /// <exception cref="FormatException">The script is invalid or cannot be read.</exception>
    public static Script Read(string path)
    {
        try
        {
            using var text = File.OpenText(path);
            return Read(Path.GetFileName(path), text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The turn loop takes an IOException for a broken connection and would retry forever.
            throw new FormatException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <exception cref="FormatException">The script is invalid.</exception>
    public static Script Read(string file, TextReader text) => new ScriptReader(file).Read(text);

    private Script Read(TextReader text)
    {
        if (yaml.Load(text) is not { } root)
            return new Script([], [], []);
        var top = yaml.Keys(root, "a script", "start", "rules", "otherwise");
        return new Script(
            top.TryGetValue("start", out var start)
                ? Steps(start, new VariableScope(VariableScope.OfStart, false))
                : [],
            top.TryGetValue("rules", out var rules) ? [.. yaml.List(rules, "`rules`").Select(Rule)] : [],
            top.TryGetValue("otherwise", out var otherwise)
                ? Steps(otherwise, new VariableScope(VariableScope.OfMessage, false))
                : []
        );
    }

    private Rule Rule(YamlNode node)
    {
        var keys = yaml.Keys(node, "a rule", "match", "do");
        if (!keys.TryGetValue("match", out var matchNode))
            throw yaml.Wrong(node.Start, "a rule needs `match`; `match: {}` matches every message");
        if (!keys.TryGetValue("do", out var doNode))
            throw yaml.Wrong(node.Start, "a rule needs `do`, a list of actions; `do: []` does nothing");

        var match = yaml.Keys(matchNode, "`match`", "from", "body", "event", "members", "redelivered");
        var body = match.TryGetValue("body", out var pattern) ? Pattern(pattern) : null;
        var systemEvents = match.TryGetValue("event", out var events) ? Names(events, "`event`") : null;
        if (systemEvents is null && match.TryGetValue("members", out var alone))
            throw yaml.Wrong(alone.Start, "`members` needs `event`; only events have members");
        var names = new HashSet<string>(VariableScope.OfMessage);
        names.UnionWith(body?.GetGroupNames() ?? []);
        names.RemoveWhere(name => char.IsAsciiDigit(name[0]));
        return new Rule(
            match.TryGetValue("from", out var from) ? Names(from, "`from`") : null,
            body,
            systemEvents,
            match.TryGetValue("members", out var members)
                ? Members(members)
                : new Dictionary<string, IReadOnlySet<string>>(),
            match.TryGetValue("redelivered", out var redelivered) ? yaml.Bool(redelivered, "`redelivered`") : null,
            Steps(doNode, new VariableScope(names, systemEvents is not null))
        );
    }

    private List<Step> Steps(YamlNode node, VariableScope scope, int depth = 0) =>
        [.. yaml.List(node, "a list of actions").Select(step => Step(step, scope, depth))];

    private Step Step(YamlNode node, VariableScope scope, int depth)
    {
        const string Actions =
            "send, ask, answer, remind, request_apply_commit, set_status, call, run, read_file, edit_file, search, "
            + "write_file, say, usage, wait, log, fail, exit, choose";
        if (node is not YamlMappingNode mapping || mapping.Children.Count == 0)
            throw yaml.Wrong(
                node.Start,
                $"an action must be a key and its value, as in `- log: \"hello\"`; available: {Actions}"
            );

        var optional = false;
        KeyValuePair<YamlNode, YamlNode>? action = null;
        foreach (var child in mapping.Children)
        {
            if (child.Key is YamlScalarNode { Value: "optional" })
                optional = yaml.Bool(child.Value, "`optional`");
            else if (action is { } first)
                throw yaml.Wrong(
                    child.Key.Start,
                    $"`{child.Key}` is in the same item as `{first.Key}`; write one action per item, each after "
                        + "its own `-` (only `optional` may be beside an action)"
                );
            else
                action = child;
        }

        if (action is not { } found)
            throw yaml.Wrong(node.Start, "`optional` must be beside an action");

        var (name, value, line) = (found.Key.ToString(), found.Value, found.Key.Start.Line);
        Step step = name switch
        {
            "send" => Send(value, scope, line),
            "ask" => Command("ask", value, scope, line, ["question"], "to", "options", "multi", "ttl_seconds", "key"),
            "answer" => Answer(value, scope, line),
            "remind" => Remind(value, scope, line),
            "set_status" => new CommandStep(
                "set_status",
                line,
                new Dictionary<string, Field> { ["text"] = new Field.Text(Text(value, "`set_status`", scope)) }
            ),
            "request_apply_commit" => Command(
                "request_apply_commit",
                value,
                scope,
                line,
                ["agent", "commit_ref"],
                "description"
            ),
            "call" => Call(value, scope, line),
            "run" => Run(value, scope, line),
            "read_file" => new ReadFileStep(line, Text(value, "`read_file`", scope)),
            "edit_file" => EditFile(value, scope, line),
            "search" => Search(value, scope, line),
            "say" => new SayStep(line, Text(value, "`say`", scope)),
            "usage" => Usage(value, line),
            "write_file" => WriteFile(value, scope, line),
            "wait" => new WaitStep(line, Seconds(value)),
            "log" => new LogStep(line, Text(value, "`log`", scope)),
            "fail" => new FailStep(line, Text(value, "`fail`", scope)),
            "exit" => new ExitStep(line, (int)yaml.Whole(value, "`exit`", 0, 255)),
            "choose" => Choose(value, scope, line, depth),
            _ => throw yaml.Wrong(found.Key.Start, $"unknown action `{name}`; available: {Actions}"),
        };
        if (optional && step is not (CommandStep or RunStep))
            throw yaml.Wrong(
                found.Key.Start,
                $"`optional` is only for actions that the host may refuse and for `run`, not for `{name}`; these are: "
                    + "send, ask, answer, remind, request_apply_commit, set_status, call, run"
            );
        return step with { Optional = optional };
    }

    private CommandStep Send(YamlNode node, VariableScope scope, long line)
    {
        var keys = yaml.Keys(node, "`send`", "to", "body", "reply", "key");
        yaml.Require(keys, node, "`send`", "to", "body");
        var fields = new Dictionary<string, Field>();
        foreach (var (key, value) in keys)
        {
            if (key != "reply")
                fields[key] = new Field.Text(Text(value, $"`{key}`", scope));
            else if (yaml.Bool(value, "`reply`"))
                fields["in_reply_to"] = scope.Names.Contains("id")
                    ? new Field.ThisMessage()
                    : throw yaml.Wrong(value.Start, "`start` has no message to reply to");
        }

        return new CommandStep("send", line, fields);
    }

    private CommandStep Answer(YamlNode node, VariableScope scope, long line)
    {
        var keys = yaml.Keys(node, "`answer`", "id", "answer");
        yaml.Require(keys, node, "`answer`", "answer");
        if (!keys.ContainsKey("id") && !scope.EventMembers)
            throw yaml.Wrong(
                node.Start,
                "`answer` needs `id` here; only a rule with `event: question_asked` knows the id"
            );
        return new CommandStep(
            "answer",
            line,
            new Dictionary<string, Field>
            {
                ["id"] = new Field.Number(
                    "id",
                    keys.TryGetValue("id", out var id)
                        ? Text(id, "`id`", scope)
                        : new Template("{{question_id}}", scope)
                ),
                ["answer"] = new Field.Text(Text(keys["answer"], "`answer`", scope)),
            }
        );
    }

    private CommandStep Remind(YamlNode node, VariableScope scope, long line)
    {
        var step = Command("remind", node, scope, line, ["message"], "delay_seconds", "at", "file_path", "key");
        return step.Fields.ContainsKey("delay_seconds") != step.Fields.ContainsKey("at")
            ? step
            : throw yaml.Wrong(node.Start, "`remind` needs exactly one of `delay_seconds` and `at`");
    }

    private CommandStep Command(
        string name,
        YamlNode node,
        VariableScope scope,
        long line,
        string[] required,
        params string[] others
    )
    {
        var keys = yaml.Keys(node, $"`{name}`", [.. required, .. others]);
        yaml.Require(keys, node, $"`{name}`", required);
        return new CommandStep(
            name,
            line,
            keys.ToDictionary(
                key => key.Key,
                key =>
                    key.Key switch
                    {
                        "options" => new Field.Texts([
                            .. yaml.List(key.Value, "`options`").Select(option => Text(option, "an option", scope)),
                        ]),
                        "multi" => (Field)new Field.Constant(JsonValue.Create(yaml.Bool(key.Value, "`multi`"))),
                        "ttl_seconds" or "delay_seconds" => new Field.Constant(
                            JsonValue.Create(yaml.Whole(key.Value, $"`{key.Key}`", 0, int.MaxValue))
                        ),
                        _ => new Field.Text(Text(key.Value, $"`{key.Key}`", scope)),
                    }
            )
        );
    }

    // The tool's fields are checked when the step runs, against the tools that the host lists then.
    private CallStep Call(YamlNode node, VariableScope scope, long line)
    {
        const string Form = "the tool's name, as in `call: { cmd: report_progress, text: \"half done\", percent: 50 }`";
        if (node is not YamlMappingNode mapping)
            throw yaml.Wrong(node.Start, $"`call` must be a mapping with `cmd`, {Form}");
        string? command = null;
        var fields = new Dictionary<string, Field>();
        foreach (var (key, value) in mapping.Children)
        {
            var name = yaml.Text(key, "a field of `call`");
            if (name == "cmd")
                command = yaml.Text(value, "`cmd`") is var tool and not ("recv" or "ack")
                    ? tool
                    : throw yaml.Wrong(
                        value.Start,
                        $"`call` cannot be used for `{value}`; the harness receives and acknowledges messages"
                    );
            else if (name == "key")
                // The host takes texts only, and an id is a frequent key.
                fields[name] = new Field.Text(Text(value, "`key`", scope));
            else if (Value(value, name, scope) is { } field)
                fields[name] = field;
        }

        return new CallStep(line, command ?? throw yaml.Wrong(node.Start, $"`call` needs `cmd`, {Form}"), fields);
    }

    /// <summary>A value of a field; null for YAML's <c>null</c>.</summary>
    private Field? Value(YamlNode node, string name, VariableScope scope, int depth = 0)
    {
        // An alias can make a value its own item.
        if (depth == DeepestValue)
            throw yaml.Wrong(node.Start, $"`{name}` is nested too deeply; at most {DeepestValue} levels are allowed");
        switch (node)
        {
            case YamlMappingNode mapping:
                var members = new Dictionary<string, Field>();
                foreach (var (key, value) in mapping.Children)
                {
                    var member = yaml.Text(key, $"a key in `{name}`");
                    if (Value(value, member, scope, depth + 1) is { } field)
                        members[member] = field;
                }

                return new Field.Members(members);
            case YamlSequenceNode list:
                return new Field.Items([
                    .. list.Children.Select(item =>
                        Value(item, name, scope, depth + 1)
                        ?? throw yaml.Wrong(item.Start, $"an item of `{name}` is empty")
                    ),
                ]);
            case YamlScalarNode scalar:
                return Scalar(scalar, name, scope);
            default:
                throw yaml.Wrong(node.Start, $"`{name}` must be a string, a number, true, false, a list or a mapping");
        }
    }

    private Field? Scalar(YamlScalarNode node, string name, VariableScope scope)
    {
        if (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)
            return node.Tag.Value switch
            {
                "tag:yaml.org,2002:int" => new Field.Number(name, Text(node, $"`{name}`", scope)),
                "tag:yaml.org,2002:str" => new Field.Text(Text(node, $"`{name}`", scope)),
                _ => throw yaml.Wrong(node.Start, $"unknown tag of `{name}`; available: !!int, !!str"),
            };
        if (node.Style != ScalarStyle.Plain)
            return new Field.Typed(Text(node, $"`{name}`", scope));
        return node.Value switch
        {
            null or "" or "~" or "null" => null,
            "true" => new Field.Constant(JsonValue.Create(true)),
            "false" => new Field.Constant(JsonValue.Create(false)),
            var text when JsonNumber().IsMatch(text) => new Field.Constant(JsonNode.Parse(text)!),
            _ => new Field.Typed(Text(node, $"`{name}`", scope)),
        };
    }

    private RunStep Run(YamlNode node, VariableScope scope, long line)
    {
        if (node is not YamlMappingNode)
            return new RunStep(line, Text(node, "`run`", scope), null);
        var keys = yaml.Keys(node, "`run`", "command", "description");
        yaml.Require(keys, node, "`run`", "command");
        return new RunStep(
            line,
            Text(keys["command"], "`command`", scope),
            keys.TryGetValue("description", out var description) ? Text(description, "`description`", scope) : null
        );
    }

    private EditFileStep EditFile(YamlNode node, VariableScope scope, long line)
    {
        var keys = yaml.Keys(node, "`edit_file`", "path", "old", "new");
        yaml.Require(keys, node, "`edit_file`", "path", "old", "new");
        return new EditFileStep(
            line,
            Text(keys["path"], "`path`", scope),
            Text(keys["old"], "`old`", scope),
            Text(keys["new"], "`new`", scope)
        );
    }

    private SearchStep Search(YamlNode node, VariableScope scope, long line)
    {
        var keys = yaml.Keys(node, "`search`", "text", "path");
        yaml.Require(keys, node, "`search`", "text", "path");
        return new SearchStep(line, Text(keys["text"], "`text`", scope), Text(keys["path"], "`path`", scope));
    }

    private UsageStep Usage(YamlNode node, long line)
    {
        const long MostTokens = 1_000_000_000;
        var keys = yaml.Keys(node, "`usage`", "model", "input_tokens", "cached_tokens", "output_tokens");
        yaml.Require(keys, node, "`usage`", "model", "input_tokens", "output_tokens");
        return new UsageStep(
            line,
            yaml.Text(keys["model"], "`model`"),
            Tokens("input_tokens"),
            Tokens("cached_tokens"),
            Tokens("output_tokens")
        );

        long Tokens(string key) =>
            keys.TryGetValue(key, out var value) ? yaml.Whole(value, $"`{key}`", 0, MostTokens) : 0;
    }

    private WriteFileStep WriteFile(YamlNode node, VariableScope scope, long line)
    {
        var keys = yaml.Keys(node, "`write_file`", "path", "content", "append");
        yaml.Require(keys, node, "`write_file`", "path", "content");
        return new WriteFileStep(
            line,
            Text(keys["path"], "`path`", scope),
            Text(keys["content"], "`content`", scope),
            keys.TryGetValue("append", out var append) && yaml.Bool(append, "`append`")
        );
    }

    private ChooseStep Choose(YamlNode node, VariableScope scope, long line, int depth)
    {
        if (depth == DeepestChoose)
            throw yaml.Wrong(node.Start, $"`choose` is nested too deeply; at most {DeepestChoose} levels are allowed");
        var lists = yaml.List(node, "`choose`");
        return lists.Count > 0
            ? new ChooseStep(line, [.. lists.Select(list => Steps(list, scope, depth + 1))])
            : throw yaml.Wrong(
                node.Start,
                "`choose` needs at least one list of actions, as in `choose: [ [ {log: a} ], [ {log: b} ] ]`"
            );
    }

    private Dictionary<string, IReadOnlySet<string>> Members(YamlNode node) =>
        node is YamlMappingNode { Children: var members }
            ? members.ToDictionary(
                member => yaml.Text(member.Key, "a key of `members`"),
                member => (IReadOnlySet<string>)Names(member.Value, $"`{member.Key}` in `members`")
            )
            : throw yaml.Wrong(
                node.Start,
                "`members` must be a mapping of an event's members to their values, as in "
                    + "`members: { task_type: run_tests }`"
            );

    private HashSet<string> Names(YamlNode node, string what) =>
        node is YamlSequenceNode ? [.. yaml.Texts(node, what)] : [yaml.Text(node, what)];

    private Template Text(YamlNode node, string what, VariableScope scope)
    {
        var text = yaml.Text(node, what);
        try
        {
            return new Template(text, scope);
        }
        catch (FormatException e)
        {
            throw yaml.Wrong(node.Start, e.Message);
        }
    }

    private TimeSpan Seconds(YamlNode node) =>
        decimal.TryParse(
            yaml.Text(node, "`wait`"),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var seconds
        ) && seconds is >= 0 and <= LongestWait
            ? TimeSpan.FromMilliseconds((double)(seconds * 1000))
            : throw yaml.Wrong(node.Start, $"`wait` must be a number of seconds from 0 to {LongestWait}, as in 0.5");

    private Regex Pattern(YamlNode node)
    {
        var pattern = yaml.Text(node, "`body`");
        try
        {
            // Linear time for any pattern, since bodies come from others.
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, PatternTimeout);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw yaml.Wrong(
                node.Start,
                $"`body` is not a valid pattern (look-around and back-references are not supported): {e.Message}"
            );
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex JsonNumber();
}
