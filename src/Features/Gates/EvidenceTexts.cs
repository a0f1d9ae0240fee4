using System.Data.Common;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Tells what was handed in, with the texts, to the manager.</summary>
internal sealed class EvidenceTexts : IEvidenceTexts
{
    // Less of a text tells nothing.
    private const int ShortestText = 200;

    // Of the members that may be added to an artifact, and the comma behind it.
    private const int Marks = 32;

    public JsonArray Of(DbConnection db, long ticket, long? task, int bytes, out bool isCut) =>
        Of(
            db,
            [.. ArtifactTable.Of(db, ticket).Where(a => a.SupersededAt is null && (task is null || a.Task == task))],
            bytes,
            out isCut
        );

    /// <summary>Artifacts with the texts that fit.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="ids">The artifacts.</param>
    /// <param name="bytes">The most bytes of all as JSON.</param>
    /// <param name="isCut">Something did not fit.</param>
    public static JsonArray Of(DbConnection db, IReadOnlyList<long> ids, int bytes, out bool isCut) =>
        Of(db, [.. ids.Select(id => ArtifactTable.Require(db, id).Artifact)], bytes, out isCut);

    private static JsonArray Of(DbConnection db, Artifact[] all, int bytes, out bool isCut)
    {
        var (shown, left) = (new JsonArray(), bytes - 2);
        isCut = false;
        foreach (var artifact in all)
        {
            var json = JsonSerializer.SerializeToNode(artifact, WireJson.Options)!.AsObject();
            left -= Length(json) + Marks;
            isCut = left < 0;
            if (isCut)
                break;
            shown.Add((JsonNode)json);
        }

        for (var i = 0; i < shown.Count; i++)
            isCut |= !AddText(db, shown[i]!.AsObject(), all[i].Id, ref left);
        return shown;
    }

    // False when not all of it fits.
    private static bool AddText(DbConnection db, JsonObject json, long artifact, ref int left)
    {
        if (left < ShortestText)
        {
            json["truncated"] = true;
            return false;
        }

        if (ArtifactTable.Content(db, artifact) is not { } bytes || ArtifactContent.Read(bytes)?.Text is not { } text)
            return true;
        var content = JsonValue.Create(text);
        var fits = Length(content) <= left;
        if (!fits)
        {
            json["truncated"] = true;
            content = JsonValue.Create(TextRules.Cut(text, left - 2));
        }

        json["content"] = content;
        left -= Length(content);
        return fits;
    }

    private static int Length(JsonNode json) => Encoding.UTF8.GetByteCount(json.ToJsonString(WireJson.Options));
}
