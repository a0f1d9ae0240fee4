using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Common.Storage;

namespace Hive.Features.Preferences;

/// <summary>Puts the preferences that decide the page's look on its document, so that the first paint is right. The
/// document is open to everybody who reaches the port; these four words are all that it tells.</summary>
internal sealed class PreferredAttributes(IStore store) : IPageAttributes
{
    public async Task<IReadOnlyList<(string Name, string Value)>> Read(CancellationToken ct)
    {
        var view = await store.Read(StoredPreferences.Read, ct);
        return
        [
            ("data-theme", Word(view.Theme)),
            ("data-labels", Word(view.Labels)),
            ("data-density", Word(view.Density)),
            ("data-scanlines", view.Scanlines ? "true" : "false"),
        ];
    }

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
