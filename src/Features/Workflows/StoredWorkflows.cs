using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Reads and writes the tables of workflows and patterns.</summary>
internal static class StoredWorkflows
{
    public static IReadOnlyList<WorkflowView> Read(DbConnection db) =>
        [
            .. db.Query<WorkflowRow>(
                    """
                    SELECT name, version, title, is_default, spec, loaded_by, loaded_at
                      FROM workflows
                     ORDER BY name
                    """
                )
                .Select(r => new WorkflowView(
                    Name: r.Name,
                    Version: (int)r.Version,
                    Title: r.Title,
                    IsDefault: r.IsDefault,
                    Spec: JsonSerializer.Deserialize<Workflow>(r.Spec, WireJson.Options)!,
                    LoadedBy: r.LoadedBy,
                    LoadedAt: DateTimeOffset.FromUnixTimeMilliseconds(r.LoadedAt)
                )),
        ];

    public static IReadOnlyList<PatternView> ReadPatterns(DbConnection db) =>
        [
            .. db.Query<PatternRow>("SELECT name, version, spec, loaded_at FROM patterns ORDER BY name")
                .Select(r => new PatternView(
                    Name: r.Name,
                    Version: (int)r.Version,
                    Spec: JsonSerializer.Deserialize<Pattern>(r.Spec, WireJson.Options)!,
                    LoadedAt: DateTimeOffset.FromUnixTimeMilliseconds(r.LoadedAt)
                )),
        ];

    public static void Put(IWrite write, WorkflowView workflow) =>
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO workflows (name, version, title, is_default, spec, loaded_by, loaded_at)
            VALUES (@Name, @Version, @Title, @IsDefault, @Spec, @LoadedBy, @At)
            """,
            new
            {
                workflow.Name,
                workflow.Version,
                workflow.Title,
                workflow.IsDefault,
                Spec = JsonSerializer.Serialize(workflow.Spec, WireJson.Options),
                workflow.LoadedBy,
                At = workflow.LoadedAt.ToUnixTimeMilliseconds(),
            }
        );

    public static void Put(IWrite write, PatternView pattern) =>
        write.Db.Execute(
            "INSERT OR REPLACE INTO patterns (name, version, spec, loaded_at) VALUES (@Name, @Version, @Spec, @At)",
            new
            {
                pattern.Name,
                pattern.Version,
                Spec = JsonSerializer.Serialize(pattern.Spec, WireJson.Options),
                At = pattern.LoadedAt.ToUnixTimeMilliseconds(),
            }
        );

    public static void Delete(IWrite write, string name) =>
        write.Db.Execute("DELETE FROM workflows WHERE name = @name", new { name });

    public static void DeletePattern(IWrite write, string name) =>
        write.Db.Execute("DELETE FROM patterns WHERE name = @name", new { name });

    private sealed record WorkflowRow
    {
        public required string Name { get; init; }

        public required long Version { get; init; }

        public string? Title { get; init; }

        public required bool IsDefault { get; init; }

        public required string Spec { get; init; }

        public required string LoadedBy { get; init; }

        public required long LoadedAt { get; init; }
    }

    private sealed record PatternRow
    {
        public required string Name { get; init; }

        public required long Version { get; init; }

        public required string Spec { get; init; }

        public required long LoadedAt { get; init; }
    }
}
