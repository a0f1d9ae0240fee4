using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Features.Agents;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>Compares docs/protocol.md with the doors that the slices register.</summary>
public sealed partial class ProtocolDocumentTests(ProtocolDocumentTests.RunningHost host)
    : IClassFixture<ProtocolDocumentTests.RunningHost>
{
    internal static readonly string[] Lines = File.ReadAllLines(Path.Combine(Root(), "docs", "protocol.md"));

    [Theory]
    [InlineData("### Commands of every agent", CallerKind.Agent)]
    [InlineData("### Commands of the manager", CallerKind.Manager)]
    [InlineData("### Commands of the host socket", CallerKind.Operator)]
    public void Lists_every_command_of_a_socket_with_its_fields_and_answer(string heading, CallerKind kind)
    {
        var registered = host
            .Modules.SelectMany(m => m.Commands)
            .Where(c => c.Duties == Duty.None && kind == SocketOf(c.Doors))
            .ToDictionary(c => c.Name);
        var documented = Tables(heading, "command").ToDictionary(row => Names(row[0]).Single());

        Assert.Equal(registered.Keys.Order(), documented.Keys.Order());
        List<string> wrong = [];
        foreach (var (name, command) in registered)
        {
            var row = documented[name];
            if (row[0].Contains("*tool*", StringComparison.Ordinal) != command.Description is not null)
                wrong.Add($"{name}: *tool* marks the commands that are also tools");
            wrong.AddRange(Differences(name, Fields(command.Request, isInput: true), Named(row[1])));
            wrong.AddRange(Missing(name, ResponseOf(command.Request), row[2]));
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Lists_every_command_of_a_duty_with_its_fields_answer_and_duties()
    {
        var registered = host.Modules.SelectMany(m => m.Commands).Where(c => c.Duties != Duty.None);
        var documented = Tables("### Commands by duty", "command", mayBeEmpty: true)
            .ToDictionary(row => Names(row[0]).Single());

        Assert.Equal(registered.Select(c => c.Name).Order(), documented.Keys.Order());
        List<string> wrong = [];
        foreach (var command in registered)
        {
            var row = documented[command.Name];
            wrong.AddRange(Differences(command.Name, Fields(command.Request, isInput: true), Named(row[1])));
            wrong.AddRange(Missing(command.Name, ResponseOf(command.Request), row[2]));
            if (row[4] != command.Duties.Words().Replace(" or ", ", ", StringComparison.Ordinal))
                wrong.Add($"{command.Name}: its duties are {command.Duties}");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Lists_every_route_with_its_alias_fields_and_answer()
    {
        var registered = host.Modules.SelectMany(m => m.Routes).ToDictionary(r => $"{r.Verb} {r.Path}");
        var documented = Tables("## REST", "route").SelectMany(Addresses).ToDictionary(r => r.Address, r => r.Row);
        var aliases = Tables("## REST", "route").SelectMany(row => Names(row[1]));

        Assert.Equal(registered.Keys.Order(), documented.Keys.Order());
        Assert.Equal(registered.Values.Where(r => r.IsAlias).Select(r => r.Path).Order(), aliases.Order());
        List<string> wrong = [];
        foreach (var (name, route) in registered)
        {
            var row = documented[name];
            if (route.Request is { } request)
            {
                var inPath = PathParameter().Matches(route.Path).Select(m => m.Groups[1].Value).ToArray();
                var fields = Fields(request, isInput: true)
                    // A path that names one agent leaves no room for several.
                    .Where(f => !inPath.Contains(f.Key) && !(f.Key == "scope" && inPath is ["name"]))
                    .ToDictionary();
                wrong.AddRange(Differences(name, fields, Named(row[2])));
            }

            wrong.AddRange(Missing(name, route.Response, row[3]));
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Describes_every_member_of_the_snapshot()
    {
        var state = Tables("## REST", "route").Single(row => Names(row[0]).Contains("GET /api/state"));
        var snapshot = host.Services.GetServices<IComposedSchema>().Single(s => s.Name == "Snapshot");

        Assert.Equal(snapshot.Members.Select(m => m.Name).Order(), Named(state[3]).Keys.Order());
    }

    [Fact]
    public void Lists_every_event_with_its_row()
    {
        var declared = host.Modules.SelectMany(m => m.Events).ToDictionary(e => e.Kind);
        var documented = Tables("## The stream", "kind")
            .SelectMany(row => Names(row[0]).Select(kind => (kind, row)))
            .ToDictionary(r => r.kind, r => r.row[1]);

        Assert.Equal(declared.Keys.Order(), documented.Keys.Order());
        List<string> wrong = [];
        foreach (var (kind, cell) in documented)
        {
            var row = declared[kind].Row is { IsGenericType: true } list
                ? list.GetGenericArguments()[0]
                : declared[kind].Row;
            if (!cell.StartsWith($"`{declared[kind].Noun}`", StringComparison.Ordinal))
                wrong.Add($"{kind} carries `{declared[kind].Noun}`");
            if (!row.IsPrimitive && row != typeof(string) && !cell.Contains($"`{row.Name}`", StringComparison.Ordinal))
                wrong.Add($"{kind} carries a `{row.Name}`");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Every_event_of_the_host_has_a_sentence_and_an_entry()
    {
        var documented = Tables("### Messages from the host", "`event`").SelectMany(row => Names(row[0]));
        var told = EventSentenceTests.Events.Select(e => e.Data.Item1).Select(body => JsonElement.Parse(body));

        Assert.Equal(documented.Order(), told.Select(e => e.GetProperty("event").GetString()).Distinct().Order());
    }

    [Fact]
    public void Describes_the_fields_of_each_record()
    {
        List<string> wrong = [];
        foreach (var row in Tables("## Records", "record"))
        {
            var name = Names(row[0]).Single();
            wrong.AddRange(Differences(name, Fields(RecordCalled(name), isInput: false), Named(row[1])));
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Explains_every_record_that_it_names()
    {
        var explained = Tables("## Records", "record").Select(row => Names(row[0]).Single()).ToHashSet();
        var named = Lines.SelectMany(line => RecordName().Matches(line)).Select(m => m.Groups[1].Value).ToHashSet();

        Assert.NotEmpty(named);
        Assert.DoesNotContain(named, name => IsRecord(name) && !explained.Contains(name));
    }

    [Fact]
    public void Lists_every_error_code()
    {
        var codes = Enum.GetValues<ErrorCode>()
            .Select(code => System.Text.Json.JsonSerializer.SerializeToElement(code, WireJson.Options).GetString());

        Assert.Equal(codes.Order(), Tables("## Conventions", "code").SelectMany(row => Names(row[0])).Order());
    }

    private static CallerKind SocketOf(Hive.Common.Doors.Doors doors) =>
        doors.HasFlag(Hive.Common.Doors.Doors.Agent) ? CallerKind.Agent
        : doors.HasFlag(Hive.Common.Doors.Doors.Manager) ? CallerKind.Manager
        : CallerKind.Operator;

    // The wire names of a record's members, and whether each may be absent.
    private static Dictionary<string, bool> Fields(Type record, bool isInput) =>
        DoorJson
            .Options.GetTypeInfo(record)
            .Properties.Where(p => p.PropertyType != typeof(Caller) && !p.IsExtensionData && !IsIgnored(p))
            .ToDictionary(p => p.Name, p => isInput ? !p.IsRequired : MayBeNull(p));

    // The members of the record that another one is made of.
    private static bool IsIgnored(JsonPropertyInfo property) =>
        property.AttributeProvider?.IsDefined(typeof(JsonIgnoreAttribute), inherit: false) == true;

    private static bool MayBeNull(JsonPropertyInfo property) =>
        property.PropertyType.IsValueType
            ? Nullable.GetUnderlyingType(property.PropertyType) is not null
            : property.IsGetNullable;

    private static IEnumerable<string> Differences(
        string of,
        Dictionary<string, bool> wanted,
        Dictionary<string, bool> documented
    )
    {
        foreach (var (field, mayBeAbsent) in wanted)
        {
            if (!documented.TryGetValue(field, out var optional))
                yield return $"{of}: the field `{field}` is not documented";
            else if (optional != mayBeAbsent)
                yield return $"{of}: write `{field}{(mayBeAbsent ? "?" : "")}`";
        }

        foreach (var field in documented.Keys.Except(wanted.Keys))
            yield return $"{of}: there is no field `{field}`";
    }

    // An answer is described by its members or by the name of a record.
    private static IEnumerable<string> Missing(string of, Type? answer, string cell)
    {
        if (answer is null || answer.IsInterface || cell.Contains($"`{answer.Name}`", StringComparison.Ordinal))
            yield break;
        foreach (var (field, mayBeAbsent) in Fields(answer, isInput: false))
        {
            var written = $"`{field}{(mayBeAbsent ? "?" : "")}`";
            if (!cell.Contains(written, StringComparison.Ordinal))
                yield return $"{of}: the answer has {written}";
        }
    }

    private static Type ResponseOf(Type request) =>
        request
            .GetInterfaces()
            .Single(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequest<>))
            .GetGenericArguments()[0];

    private static Type RecordCalled(string name) =>
        Types().Where(t => t.Name == name && t.GetMethod("<Clone>$") is not null).Distinct().Single();

    private static bool IsRecord(string name) => Types().Any(t => t.Name == name);

    private static IEnumerable<Type> Types() =>
        ((Assembly[])[typeof(Message).Assembly, typeof(Caller).Assembly, typeof(AgentNames).Assembly]).SelectMany(a =>
            a.GetTypes()
        );

    // The rows of the tables below a heading whose first column has that name.
    internal static IEnumerable<string[]> Tables(string heading, string firstColumn, bool mayBeEmpty = false)
    {
        var level = heading.TakeWhile(c => c == '#').Count();
        var start = Array.IndexOf(Lines, heading);
        Assert.True(start >= 0, $"docs/protocol.md has no heading '{heading}'");
        var section = Lines.Skip(start + 1).TakeWhile(l => !l.StartsWith('#') || l.IndexOf(' ') > level);
        var isWanted = false;
        List<string[]> rows = [];
        foreach (var line in section)
        {
            if (!line.StartsWith('|'))
            {
                isWanted = false;
                continue;
            }

            var cells = line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries);
            if (cells[0] == firstColumn)
                isWanted = true;
            else if (isWanted && !cells[0].StartsWith("---", StringComparison.Ordinal))
                rows.Add(cells);
        }

        if (!mayBeEmpty)
            Assert.NotEmpty(rows);
        return rows;
    }

    // A route's own address and that of its alias, which has the same verb.
    private static IEnumerable<(string Address, string[] Row)> Addresses(string[] row)
    {
        var address = Names(row[0]).Single();
        yield return (address, row);
        foreach (var alias in Names(row[1]))
            yield return ($"{address.Split(' ')[0]} {alias}", row);
    }

    internal static IEnumerable<string> Names(string cell) => Quoted().Matches(cell).Select(m => m.Groups[1].Value);

    // The fields in a cell; remarks in parentheses hold values, not fields.
    private static Dictionary<string, bool> Named(string cell) =>
        Field()
            .Matches(Parenthesis().Replace(cell, ""))
            .ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value == "?");

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hive.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"`([a-z][a-z0-9_]*)(\??)`")]
    private static partial Regex Field();

    [GeneratedRegex("`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`")]
    private static partial Regex RecordName();

    [GeneratedRegex(@"\([^()]*\)")]
    private static partial Regex Parenthesis();

    /// <summary>A host whose doors are read.</summary>
    public sealed class RunningHost : IAsyncLifetime
    {
        private HiveFixture? hive;

        internal IServiceProvider Services => hive!.Services;

        internal IEnumerable<FeatureModule> Modules => Services.GetServices<FeatureModule>();

        public async ValueTask InitializeAsync() => hive = await HiveFixture.Start();

        public async ValueTask DisposeAsync() => await hive!.DisposeAsync();
    }
}
