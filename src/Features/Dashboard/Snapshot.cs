using System.Text.Json;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Dashboard;

/// <summary>Writes the snapshot that a page fetches once: every slice's section, read from one state of the database,
/// and the cursor from which the stream continues.</summary>
internal sealed class Snapshot(
    IStore store,
    EventHub hub,
    AgentRows rows,
    HiveBuild build,
    IEnumerable<IDashboardSection> sections
) : IComposedSchema
{
    private readonly IDashboardSection[] sections = [.. sections];

    string IComposedSchema.Name => nameof(Snapshot);

    IEnumerable<(string Name, Type Type)> IComposedSchema.Members =>
        [
            ("cursor", typeof(string)),
            ("hive_version", typeof(string)),
            ("host", typeof(string)),
            ("agents", typeof(IReadOnlyList<ContainerView>)),
            .. sections.Select(section => (section.Name, section.Type)),
        ];

    public async Task Write(HttpContext http)
    {
        var ct = http.RequestAborted;
        // Taken before the read: a change between the two is then in both, never in neither.
        var cursor = hub.Head;
        var agents = rows.ForSnapshot();
        var read = await store.Read(db => sections.Select(section => section.Read(db)).ToArray(), ct);
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(
            http.Response.BodyWriter,
            new JsonWriterOptions { Encoder = WireJson.Options.Encoder }
        );
        json.WriteStartObject();
        json.WriteString("cursor", cursor.ToString());
        json.WriteString("hive_version", build.Version);
        json.WriteString("host", Environment.MachineName);
        json.WritePropertyName("agents");
        JsonSerializer.Serialize(json, agents, WireJson.Options);
        for (var i = 0; i < sections.Length; i++)
        {
            json.WritePropertyName(sections[i].Name);
            JsonSerializer.Serialize(json, read[i], sections[i].Type, WireJson.Options);
            // For a slow reader, only one section is held in memory.
            await json.FlushAsync(ct);
            await http.Response.BodyWriter.FlushAsync(ct);
        }

        json.WriteEndObject();
    }
}
