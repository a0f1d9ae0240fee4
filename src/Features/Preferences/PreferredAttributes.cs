using System.Text.Json;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Preferences.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Preferences;

/// <summary>Puts the preferences that decide the page's look on its document, so that the first paint is right. The
/// document is open to everybody who reaches the port; these four words are all that it tells. They are
/// read once and remembered; while the database fails, the page comes without them and says so itself.</summary>
internal sealed class PreferredAttributes(IStore store) : IPageAttributes, ICommitObserver
{
    private IReadOnlyList<(string Name, string Value)>? known;

    public void OnCommitted(INotification notification)
    {
        if (notification is PreferencesChanged changed)
            Volatile.Write(ref known, Of(changed.Preferences));
    }

    public async Task<IReadOnlyList<(string Name, string Value)>> Read(CancellationToken ct)
    {
        if (Volatile.Read(ref known) is { } remembered)
            return remembered;
        try
        {
            var read = Of(await store.Read(StoredPreferences.Read, ct));
            // A change that was committed in the meantime is newer.
            return Interlocked.CompareExchange(ref known, read, null) ?? read;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return [];
        }
    }

    private static IReadOnlyList<(string Name, string Value)> Of(PreferencesView view) =>
        [
            ("data-theme", Word(view.Theme)),
            ("data-labels", Word(view.Labels)),
            ("data-density", Word(view.Density)),
            ("data-scanlines", view.Scanlines ? "true" : "false"),
        ];

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
