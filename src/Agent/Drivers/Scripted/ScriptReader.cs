using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>Reads a script strictly: what it does not know is an error that names the line, the column and what is
/// allowed there.</summary>
internal sealed class ScriptReader
{
    public static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(1);

    private const int DeepestChoose = 4;
    private const long LongestWait = 24 * 60 * 60;

    private readonly string file;

    private ScriptReader(string file) => this.file = file;

    /// <exception cref="FormatException">The script is wrong, or cannot be read.</exception>
    public static Script Read(string path)
    {
        try
        {
            using var text = File.OpenText(path);
            return Read(Path.GetFileName(path), text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As it is, the turn loop would take it for a connection that broke, and try for ever.
            throw new FormatException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <exception cref="FormatException">The script is wrong.</exception>
    public static Script Read(string file, TextReader text) => new ScriptReader(file).Read(text);

    private Script Read(TextReader text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(text);
        }
        catch (YamlException e)
        {
            throw Wrong(e.Start, e.Message);
        }

        if (stream.Documents.Count == 0)
            return new Script([], [], []);
        if (stream.Documents.Count > 1)
            throw Wrong(stream.Documents[1].RootNode.Start, "a script is one document");

        var top = Keys(stream.Documents[0].RootNode, "a script", "start", "rules", "otherwise");
        return new Script(
            top.TryGetValue("start", out var start)
                ? Steps(start, new VariableScope(VariableScope.OfStart, false))
                : [],
            top.TryGetValue("rules", out var rules) ? [.. List(rules, "`rules`").Select(Rule)] : [],
            top.TryGetValue("otherwise", out var otherwise)
                ? Steps(otherwise, new VariableScope(VariableScope.OfMessage, false))
                : []
        );
    }

    private Rule Rule(YamlNode node)
    {
        var keys = Keys(node, "a rule", "match", "do");
        if (!keys.TryGetValue("match", out var matchNode))
            throw Wrong(node.Start, "a rule wants `match`; `match: {}` matches every message");
        if (!keys.TryGetValue("do", out var doNode))
            throw Wrong(node.Start, "a rule wants `do`, a list of actions; `do: []` does nothing");

        var match = Keys(matchNode, "`match`", "from", "body", "event", "redelivered");
        var body = match.TryGetValue("body", out var pattern) ? Pattern(pattern) : null;
        var happened = match.TryGetValue("event", out var events) ? Names(events, "`event`") : null;
        var names = new HashSet<string>(VariableScope.OfMessage);
        names.UnionWith(body?.GetGroupNames() ?? []);
        names.RemoveWhere(name => char.IsAsciiDigit(name[0]));
        return new Rule(
            match.TryGetValue("from", out var from) ? Names(from, "`from`") : null,
            body,
            happened,
            match.TryGetValue("redelivered", out var redelivered) ? Bool(redelivered, "`redelivered`") : null,
            Steps(doNode, new VariableScope(names, happened is not null))
        );
    }

    private List<Step> Steps(YamlNode node, VariableScope scope, int depth = 0) =>
        [.. List(node, "a list of actions").Select(step => Step(step, scope, depth))];

    private Step Step(YamlNode node, VariableScope scope, int depth)
    {
        const string Actions = "send, ask, answer, remind, write_file, set_status, wait, log, fail, exit, choose";
        if (node is not YamlMappingNode mapping || mapping.Children.Count == 0)
            throw Wrong(
                node.Start,
                $"an action is a key and its value, as in `- log: \"hello\"`; there are: {Actions}"
            );

        var optional = false;
        KeyValuePair<YamlNode, YamlNode>? action = null;
        foreach (var child in mapping.Children)
        {
            if (child.Key is YamlScalarNode { Value: "optional" })
                optional = Bool(child.Value, "`optional`");
            else if (action is { } first)
                throw Wrong(
                    child.Key.Start,
                    $"`{child.Key}` stands in the same item as `{first.Key}`: one action per item, each with its own `-` (only `optional` may stand beside one)"
                );
            else
                action = child;
        }

        if (action is not { } found)
            throw Wrong(node.Start, "`optional` stands beside an action, not alone");

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
            "write_file" => WriteFile(value, scope, line),
            "wait" => new WaitStep(line, Seconds(value)),
            "log" => new LogStep(line, Text(value, "`log`", scope)),
            "fail" => new FailStep(line, Text(value, "`fail`", scope)),
            "exit" => new ExitStep(line, (int)Whole(value, "`exit`", 0, 255)),
            "choose" => Choose(value, scope, line, depth),
            _ => throw Wrong(found.Key.Start, $"there is no action `{name}`; there are: {Actions}"),
        };
        if (optional && step is not CommandStep)
            throw Wrong(
                found.Key.Start,
                $"`optional` is for what the host may refuse (send, ask, answer, remind, set_status), not for `{name}`"
            );
        return step with { Optional = optional };
    }

    private CommandStep Send(YamlNode node, VariableScope scope, long line)
    {
        var keys = Keys(node, "`send`", "to", "body", "reply", "key");
        Require(keys, node, "`send`", "to", "body");
        var fields = new Dictionary<string, Field>();
        foreach (var (key, value) in keys)
        {
            if (key != "reply")
                fields[key] = new Field.Text(Text(value, $"`{key}`", scope));
            else if (Bool(value, "`reply`"))
                fields["in_reply_to"] = scope.Names.Contains("id")
                    ? new Field.ThisMessage()
                    : throw Wrong(value.Start, "`start` has no message to reply to");
        }

        return new CommandStep("send", line, fields);
    }

    private CommandStep Answer(YamlNode node, VariableScope scope, long line)
    {
        var keys = Keys(node, "`answer`", "id", "answer");
        Require(keys, node, "`answer`", "answer");
        if (!keys.ContainsKey("id") && !scope.EventMembers)
            throw Wrong(
                node.Start,
                "`answer` wants `id` here; only a rule with `event: question_asked` knows it by itself"
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
            : throw Wrong(node.Start, "`remind` wants exactly one of `delay_seconds` and `at`");
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
        var keys = Keys(node, $"`{name}`", [.. required, .. others]);
        Require(keys, node, $"`{name}`", required);
        return new CommandStep(
            name,
            line,
            keys.ToDictionary(
                key => key.Key,
                key =>
                    key.Key switch
                    {
                        "options" => new Field.Texts([
                            .. List(key.Value, "`options`").Select(option => Text(option, "an option", scope)),
                        ]),
                        "multi" => (Field)new Field.Constant(JsonValue.Create(Bool(key.Value, "`multi`"))),
                        "ttl_seconds" or "delay_seconds" => new Field.Constant(
                            JsonValue.Create(Whole(key.Value, $"`{key.Key}`", 0, int.MaxValue))
                        ),
                        _ => new Field.Text(Text(key.Value, $"`{key.Key}`", scope)),
                    }
            )
        );
    }

    private WriteFileStep WriteFile(YamlNode node, VariableScope scope, long line)
    {
        var keys = Keys(node, "`write_file`", "path", "content", "append");
        Require(keys, node, "`write_file`", "path", "content");
        return new WriteFileStep(
            line,
            Text(keys["path"], "`path`", scope),
            Text(keys["content"], "`content`", scope),
            keys.TryGetValue("append", out var append) && Bool(append, "`append`")
        );
    }

    private ChooseStep Choose(YamlNode node, VariableScope scope, long line, int depth)
    {
        if (depth == DeepestChoose)
            throw Wrong(node.Start, $"`choose` stands in `choose` at most {DeepestChoose} deep");
        var lists = List(node, "`choose`");
        return lists.Count > 0
            ? new ChooseStep(line, [.. lists.Select(list => Steps(list, scope, depth + 1))])
            : throw Wrong(
                node.Start,
                "`choose` wants at least one list of actions, as in `choose: [ [ {log: a} ], [ {log: b} ] ]`"
            );
    }

    private Dictionary<string, YamlNode> Keys(YamlNode node, string what, params string[] allowed)
    {
        if (node is not YamlMappingNode mapping)
            throw Wrong(node.Start, $"{what} is made of keys; there are: {string.Join(", ", allowed)}");
        var keys = new Dictionary<string, YamlNode>();
        foreach (var (key, value) in mapping.Children)
        {
            keys[key.ToString()] = allowed.Contains(key.ToString())
                ? value
                : throw Wrong(key.Start, $"{what} has no `{key}`; there are: {string.Join(", ", allowed)}");
        }

        return keys;
    }

    private void Require(Dictionary<string, YamlNode> keys, YamlNode node, string what, params string[] required)
    {
        foreach (var key in required)
        {
            if (!keys.ContainsKey(key))
                throw Wrong(node.Start, $"{what} wants `{key}`");
        }
    }

    private IList<YamlNode> List(YamlNode node, string what) =>
        node is YamlSequenceNode list
            ? list.Children
            : throw Wrong(node.Start, $"{what} is a list, each item with its own `-`");

    private HashSet<string> Names(YamlNode node, string what) =>
        node is YamlSequenceNode list ? [.. list.Children.Select(child => Scalar(child, what))] : [Scalar(node, what)];

    private string Scalar(YamlNode node, string what) =>
        node switch
        {
            YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" } => throw Wrong(
                node.Start,
                $"{what} wants a text; an empty one is written \"\""
            ),
            YamlScalarNode scalar => scalar.Value!,
            _ => throw Wrong(node.Start, $"{what} wants a text"),
        };

    private Template Text(YamlNode node, string what, VariableScope scope)
    {
        var text = Scalar(node, what);
        try
        {
            return new Template(text, scope);
        }
        catch (FormatException e)
        {
            throw Wrong(node.Start, e.Message);
        }
    }

    private bool Bool(YamlNode node, string what) =>
        Scalar(node, what) switch
        {
            "true" => true,
            "false" => false,
            _ => throw Wrong(node.Start, $"{what} is true or false"),
        };

    private long Whole(YamlNode node, string what, long least, long most) =>
        long.TryParse(Scalar(node, what), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
            : throw Wrong(node.Start, $"{what} is a whole number from {least} to {most}");

    private TimeSpan Seconds(YamlNode node) =>
        decimal.TryParse(
            Scalar(node, "`wait`"),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var seconds
        ) && seconds is >= 0 and <= LongestWait
            ? TimeSpan.FromMilliseconds((double)(seconds * 1000))
            : throw Wrong(node.Start, $"`wait` is a number of seconds from 0 to {LongestWait}, as in 0.5");

    private Regex Pattern(YamlNode node)
    {
        var pattern = Scalar(node, "`body`");
        try
        {
            // Linear in the length of the body, whatever the pattern: the body comes from somebody else.
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, PatternTimeout);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw Wrong(
                node.Start,
                $"`body` is no pattern this language has (no look-around, no back-references): {e.Message}"
            );
        }
    }

    private FormatException Wrong(Mark at, string what) => new($"{file}: line {at.Line}, column {at.Column}: {what}");
}
