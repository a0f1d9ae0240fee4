namespace Hive.Dashboard.Tests.Pictures;

/// <summary>One picture: a place of a Hive in a state, in a look.</summary>
/// <param name="File">The file of the picture, from the root of the repository.</param>
/// <param name="Address">The place's address in a scene.</param>
/// <param name="Keys">What is pressed before the picture is taken.</param>
internal sealed record Shot(
    string File,
    string State,
    Func<Scene, string> Address,
    int Width,
    string Theme,
    string Labels,
    int Quality,
    params string[] Keys
)
{
    private const string Set = "tests/Hive.Dashboard.Tests/Pictures/set";

    public static readonly string[] States = ["empty", "demo", "thirty", "hostile", "away"];
    public static readonly int[] Widths = [360, 1024, 1440];
    private static readonly string[] Themes = ["dark", "light"];
    private static readonly string[] LabelSets = ["wired", "plain"];

    /// <summary>The places of the page.</summary>
    public static readonly (string Name, Func<Scene, string> Address)[] Places =
    [
        ("overview", _ => "/"),
        ("your-call", _ => "/waiting"),
        ("one-waiting-thing", scene => $"/waiting/{scene.Waiting}"),
        ("agents", _ => "/agents"),
        ("agent-live", scene => $"/agents/{scene.Agent}/live"),
        ("agent-messages", scene => $"/agents/{scene.Agent}/messages"),
        ("agent-turns", scene => $"/agents/{scene.Agent}/turns"),
        ("agent-files", scene => $"/agents/{scene.Agent}/files"),
        ("agent-config", scene => $"/agents/{scene.Agent}/config"),
        ("agent-log", scene => $"/agents/{scene.LogAgent}/log"),
        ("messages", _ => "/messages"),
        ("thread", scene => $"/messages/{scene.Thread}"),
        ("changes", _ => "/changes"),
        ("review", scene => $"/changes/{scene.Review}"),
        ("stats", _ => "/stats"),
        ("system", _ => "/system"),
        ("settings", _ => "/settings"),
        ("unknown-address", _ => "/mesages"),
        ("login", _ => Login),
        ("board", _ => "/board"),
        ("ticket", scene => $"/tickets/{scene.Ticket}"),
    ];

    /// <summary>The address of the page for somebody who is not signed in.</summary>
    public const string Login = "/login";

    /// <summary>The height of the window.</summary>
    public int Height =>
        Width switch
        {
            360 => 780,
            1024 => 768,
            _ => 900,
        };

    /// <summary>Every place in every state, width, theme and set of labels.</summary>
    public static IEnumerable<Shot> All() =>
        from place in Places
        from state in States
        from width in Widths
        from theme in Themes
        from labels in LabelSets
        where IsPossible(place.Name, state)
        select Of(place.Name, place.Address, state, width, theme, labels);

    /// <summary>The committed set: every place in every state at every width, with themes and labels spread over them
    /// so that each place has every pair of values of the four.</summary>
    public static IEnumerable<Shot> Covering() =>
        from place in Places.Index()
        from state in States.Index()
        from width in Widths.Index()
        where IsPossible(place.Item.Name, state.Item)
        select Of(
            place.Item.Name,
            place.Item.Address,
            state.Item,
            width.Item,
            Themes[(place.Index + state.Index + width.Index) % 2],
            LabelSets[(place.Index / 2 + state.Index / 2 + width.Index) % 2]
        );

    /// <summary>The pictures of the documentation, in both themes and for a desk and a phone.</summary>
    public static IEnumerable<Shot> Documentation() =>
        from picture in new (string Name, string State, Func<Scene, string> Address, string[] Keys)[]
        {
            ("first-run", "empty", _ => "/", []),
            ("your-call", "demo", scene => $"/waiting/{scene.Waiting}", []),
            ("agent", "demo", scene => $"/agents/{scene.Agent}/live", []),
            ("review", "demo", scene => $"/changes/{scene.Review}", []),
            ("crash", "demo", _ => "/waiting/crash-crasher", []),
            ("keys", "demo", _ => "/agents", ["?"]),
            ("ticket", "demo", scene => $"/tickets/{scene.Ticket}", []),
            ("overview", "thirty", _ => "/", []),
            ("agents", "thirty", _ => "/agents", []),
            ("board", "thirty", _ => "/board", []),
            ("statistics", "thirty", _ => "/stats", []),
            ("palette", "thirty", _ => "/", ["Control+k", "a", "u", "t", "h"]),
            ("away", "away", _ => "/", []),
        }
        from theme in Themes
        from width in new[] { 360, 1440 }
        select new Shot(
            $"docs/images/{picture.Name}-{width}-{theme}.webp",
            picture.State,
            picture.Address,
            width,
            theme,
            theme == "dark" ? "wired" : "plain",
            Camera.ForReading,
            picture.Keys
        );

    private static Shot Of(
        string place,
        Func<Scene, string> address,
        string state,
        int width,
        string theme,
        string labels
    ) =>
        new(
            $"{Set}/{place}/{state}-{width}-{theme}-{labels}.webp",
            state,
            address,
            width,
            theme,
            labels,
            Camera.ForComparing
        );

    // Without a host, nobody sees the page for the first time.
    private static bool IsPossible(string place, string state) => state != "away" || place != "login";
}
