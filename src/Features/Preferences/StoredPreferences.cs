using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Preferences;

/// <summary>Reads and writes the preferences. Only changed members are stored; the others have their default.</summary>
internal static class StoredPreferences
{
    public static PreferencesView Default { get; } =
        new(
            Theme.System,
            Labels.Wired,
            LabelsChosen: false,
            Density.Normal,
            UndoSeconds: 5,
            Keys: new Dictionary<string, string>(),
            new NotifyPreferences(Notice.Notify, Notice.Count, Notice.Silent),
            Sound: false,
            Scanlines: true,
            Starred: [],
            NotifyKinds: new Dictionary<string, Notice>(),
            Muted: []
        );

    public static PreferencesView Read(DbConnection db)
    {
        var view = Default;
        foreach (var row in db.Query<Row>("SELECT name, value FROM preferences"))
            view = With(view, row.Name, row.Value);
        return view;
    }

    /// <summary>Stores the members that differ from their default, and removes the others.</summary>
    public static void Write(IWrite write, PreferencesView view)
    {
        var defaults = Members(Default);
        foreach (var (name, value) in Members(view))
        {
            if (JsonNode.DeepEquals(value, defaults[name]))
                write.Db.Execute("DELETE FROM preferences WHERE name = @name", new { name });
            else
                write.Db.Execute(
                    "INSERT OR REPLACE INTO preferences (name, value) VALUES (@name, @value)",
                    new { name, value = value!.ToJsonString() }
                );
        }
    }

    private static JsonObject Members(PreferencesView view) =>
        JsonSerializer.SerializeToNode(view, WireJson.Options)!.AsObject();

    // A row that cannot be read, edited by hand for instance, leaves the default.
    private static PreferencesView With(PreferencesView view, string name, string value)
    {
        try
        {
            var members = Members(view);
            members[name] = JsonNode.Parse(value);
            return members.Deserialize<PreferencesView>(WireJson.Options) ?? view;
        }
        catch (JsonException)
        {
            return view;
        }
    }

    private sealed record Row
    {
        public required string Name { get; init; }

        public required string Value { get; init; }
    }
}
