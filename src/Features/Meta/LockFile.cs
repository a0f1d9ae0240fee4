using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hive.Features.Meta.Contracts;

namespace Hive.Features.Meta;

/// <summary>
/// Reads and writes <c>swarm.lock</c>: a graph as in a flake.lock, with a node for each agent and each revision of an
/// input. Equal locks give equal files.
/// </summary>
internal static partial class LockFile
{
    public const string FileName = "swarm.lock";

    private const int Version = 1;
    private const string Root = "root";
    private const string AgentPrefix = "agent-";
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the lock as text.</summary>
    public static string Write(ImmutableSortedDictionary<string, LockedAgent> agents)
    {
        var keys = Nodes(agents).ToDictionary(n => n.Input, n => n.Key);
        var nodes = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var (name, agent) in agents)
        {
            nodes[AgentPrefix + name] = new JsonObject
            {
                ["inputs"] = new JsonObject(
                    agent.Inputs.Select(i => KeyValuePair.Create(i.Key, (JsonNode?)keys[i.Value]))
                ),
                ["locked"] = new JsonObject
                {
                    ["path"] = $"applied/{name}",
                    ["rev"] = agent.Commit,
                    ["lastModified"] = agent.ModifiedAt.ToUnixTimeSeconds(),
                    ["type"] = "git",
                },
            };
        }

        foreach (var (input, key) in keys)
        {
            var original = new JsonObject { ["type"] = "git", ["url"] = input.Url };
            if (input.Ref is not null)
                original["ref"] = input.Ref;
            nodes[key] = new JsonObject
            {
                ["locked"] = new JsonObject
                {
                    ["url"] = input.Url,
                    ["rev"] = input.Rev,
                    ["lastModified"] = input.ModifiedAt.ToUnixTimeSeconds(),
                    ["type"] = "git",
                },
                ["original"] = original,
            };
        }

        nodes[Root] = new JsonObject
        {
            ["inputs"] = new JsonObject(
                agents.Keys.Select(a => KeyValuePair.Create(AgentPrefix + a, (JsonNode?)(AgentPrefix + a)))
            ),
        };
        return new JsonObject
            {
                ["nodes"] = new JsonObject(nodes),
                ["root"] = Root,
                ["version"] = Version,
            }.ToJsonString(Indented) + "\n";
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="FormatException">The text is not a valid lock; the message says why.</exception>
    public static ImmutableSortedDictionary<string, LockedAgent> Read(string json)
    {
        try
        {
            var file = JsonNode.Parse(json)!.AsObject();
            if (file["version"]!.GetValue<int>() is var version and not Version)
                throw new FormatException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"it has version {version}, but this Hive reads version {Version}"
                    )
                );
            var nodes = file["nodes"]!.AsObject();
            var agents = ImmutableSortedDictionary.CreateBuilder<string, LockedAgent>(StringComparer.Ordinal);
            foreach (var (name, key) in nodes[file["root"]!.GetValue<string>()]!["inputs"]!.AsObject())
            {
                var node = nodes[key!.GetValue<string>()] ?? throw new FormatException($"it has no node '{key}'");
                var inputs = ImmutableSortedDictionary.CreateBuilder<string, LockedInput>(StringComparer.Ordinal);
                foreach (var (input, inputKey) in node["inputs"]!.AsObject())
                    inputs[input] = Input(
                        nodes[inputKey!.GetValue<string>()] ?? throw new FormatException($"it has no node '{inputKey}'")
                    );
                if (!name.StartsWith(AgentPrefix, StringComparison.Ordinal))
                    throw new FormatException($"its root names '{name}', which is not an agent");
                agents[name[AgentPrefix.Length..]] = new LockedAgent(
                    Rev(node["locked"]!),
                    ModifiedAt(node["locked"]!),
                    inputs.ToImmutable()
                );
            }

            return agents.ToImmutable();
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw new FormatException(
                e is JsonException ? $"it is not JSON: {e.Message}" : "a value in it is missing or of the wrong type",
                e
            );
        }
    }

    /// <summary>
    /// The inputs, each revision once, with their names in the file: the name in the first agent's <c>agent.yaml</c>,
    /// followed by a number where different inputs have the same name.
    /// </summary>
    public static IReadOnlyList<(string Key, LockedInput Input, string[] Agents)> Nodes(
        ImmutableSortedDictionary<string, LockedAgent> agents
    )
    {
        var taken = agents.Keys.Select(a => AgentPrefix + a).Append(Root).ToHashSet(StringComparer.Ordinal);
        List<(string, LockedInput, string[])> nodes = [];
        var uses = agents
            .SelectMany(a => a.Value.Inputs.Select(i => (Agent: a.Key, Name: i.Key, Input: i.Value)))
            .GroupBy(u => u.Input);
        // The input with the most users gets the name without a number.
        foreach (
            var use in uses.OrderByDescending(u => u.Select(x => x.Agent).Distinct().Count())
                .ThenBy(u => u.First().Agent, StringComparer.Ordinal)
        )
        {
            var name = use.First().Name;
            var key = name;
            for (var number = 2; !taken.Add(key); number++)
                key = string.Create(CultureInfo.InvariantCulture, $"{name}_{number}");
            nodes.Add((key, use.Key, [.. use.Select(u => u.Agent).Distinct().Order(StringComparer.Ordinal)]));
        }

        return [.. nodes.OrderBy(n => n.Item1, StringComparer.Ordinal)];
    }

    private static LockedInput Input(JsonNode node) =>
        new(
            Url(node["original"]!["url"]!.GetValue<string>()),
            node["original"]!["ref"]?.GetValue<string>(),
            Rev(node["locked"]!),
            ModifiedAt(node["locked"]!)
        );

    // Checked because git runs programs for some urls.
    private static string Url(string url) =>
        InputUrls.FormFault(url) is { } fault ? throw new FormatException($"a 'url' in it {fault}") : url;

    private static DateTimeOffset ModifiedAt(JsonNode locked) =>
        DateTimeOffset.FromUnixTimeSeconds(locked["lastModified"]!.GetValue<long>());

    // Checked because the revision becomes part of a path.
    private static string Rev(JsonNode locked) =>
        locked["rev"]!.GetValue<string>() is var rev && Commit().IsMatch(rev)
            ? rev
            : throw new FormatException("a 'rev' in it is not a full commit id");

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
