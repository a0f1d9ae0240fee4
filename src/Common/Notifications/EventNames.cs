using System.Collections.Frozen;

namespace Hive.Common.Notifications;

/// <summary>An event of the stream as a slice's module declares it.</summary>
/// <param name="Kind">Its name, such as <c>reminder_changed</c>.</param>
/// <param name="Noun">The member that holds the row, such as <c>reminder</c>.</param>
/// <param name="Row">The type of the row.</param>
public sealed record EventDeclaration(string Kind, string Noun, Type Row);

/// <summary>The events that some module declares. The streams refuse all others, because no page could know
/// them.</summary>
public sealed class EventNames(IEnumerable<EventDeclaration> declared)
{
    private readonly FrozenDictionary<string, string> nouns = declared.ToFrozenDictionary(e => e.Kind, e => e.Noun);

    /// <summary>Refuses an event that no module declares with this noun.</summary>
    /// <exception cref="InvalidOperationException">The event is not declared.</exception>
    public void MustHave(DashboardEvent published)
    {
        if (!nouns.TryGetValue(published.Kind, out var noun) || noun != published.Noun)
            throw new InvalidOperationException(
                $"the event '{published.Kind}' with '{published.Noun}' is not declared; "
                    + "add Event<T>(…) to the module of its slice"
            );
    }
}
