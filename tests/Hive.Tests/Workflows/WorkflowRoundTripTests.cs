using System.Text.Json;
using FsCheck.Fluent;
using Hive.Features.Workflows;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Workflows;

/// <summary>Generated workflows and patterns, and their exports.</summary>
public sealed class WorkflowRoundTripTests
{
    private static readonly JsonSerializerOptions FieldNames = new();

    [Fact]
    [Sampled]
    public void Every_workflow_is_what_its_export_loads_to() =>
        Property.Holds(
            Prop.ForAll(
                Arb.From(Gen.Choose(0, int.MaxValue)),
                seed =>
                {
                    var workflow = new RandomWorkflow(seed).Make();
                    var text = WorkflowWriter.Own(workflow);
                    var loaded = Load(text);
                    Assert.Equal(Json(workflow), Json(loaded));
                    Assert.Equal(text, WorkflowWriter.Own(loaded));
                    // As it is stored.
                    Assert.Equal(
                        Json(workflow),
                        Json(JsonSerializer.Deserialize<Workflow>(Json(workflow), WireJson.Options))
                    );
                }
            ),
            first: 100,
            inLong: 1_000
        );

    [Fact]
    [Sampled]
    public void Every_pattern_is_what_its_export_loads_to() =>
        Property.Holds(
            Prop.ForAll(
                Arb.From(Gen.Choose(0, int.MaxValue)),
                seed =>
                {
                    var pattern = new RandomPattern(seed).Make();
                    var text = PatternReader.Write(pattern);
                    var loaded = PatternReader.Read(text);
                    Assert.Equal(Json(pattern), Json(loaded));
                    Assert.Equal(text, PatternReader.Write(loaded));
                }
            ),
            first: 100,
            inLong: 1_000
        );

    [Fact]
    public void Generated_workflows_differ_in_each_of_their_fields()
    {
        Dictionary<string, HashSet<string>> values = [];
        for (var seed = 0; seed < 300; seed++)
            Note(JsonSerializer.SerializeToElement(new RandomWorkflow(seed).Make(), FieldNames), nameof(Workflow));
        string[] expected =
        [
            .. Fields<Workflow>(),
            .. Fields<Phase>(),
            .. Fields<ExpectedOutput>(),
            .. Fields<TaskTemplate>(),
            .. Fields<Gate>(),
            .. Fields<Criterion>(),
            .. Fields<CommitCriterion>(),
            .. Fields<BoardColumn>(),
        ];
        Assert.DoesNotContain(expected, field => values.GetValueOrDefault(field) is not { Count: > 1 });

        void Note(JsonElement element, string type)
        {
            foreach (var property in element.EnumerateObject())
            {
                var field = $"{type}.{property.Name}";
                values.TryAdd(field, []);
                values[field].Add(property.Value.GetRawText());
                if (property.Value.ValueKind == JsonValueKind.Object)
                    Note(property.Value, TypeOf(property.Name));
                else if (property.Value.ValueKind == JsonValueKind.Array)
                    foreach (
                        var item in property.Value.EnumerateArray().Where(i => i.ValueKind == JsonValueKind.Object)
                    )
                        Note(item, TypeOf(property.Name));
            }
        }

        static string TypeOf(string field) =>
            field switch
            {
                "Phases" => nameof(Phase),
                "ExpectedOutputs" => nameof(ExpectedOutput),
                "Tasks" => nameof(TaskTemplate),
                "Gate" => nameof(Gate),
                "Criteria" => nameof(Criterion),
                "Commit" => nameof(CommitCriterion),
                _ => nameof(BoardColumn),
            };

        static IEnumerable<string> Fields<T>() => typeof(T).GetProperties().Select(p => $"{typeof(T).Name}.{p.Name}");
    }

    private static Workflow Load(string text) => WorkflowReader.Read(text, Shipped.Workflow).Workflow;

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, WireJson.Options);
}
