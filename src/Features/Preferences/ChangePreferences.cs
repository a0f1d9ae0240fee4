using System.Linq.Expressions;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Preferences.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Preferences;

/// <summary>Changes some of the operator's preferences; the others stay as they are.</summary>
internal static class ChangePreferences
{
    internal const int MostKeys = 200;
    internal const int MostStarred = 1000;
    internal const int MostKinds = 200;
    private const int CommandBytes = 64;
    private const int KindBytes = 64;
    private const int KeyBytes = 32;

    /// <param name="Theme"><c>system</c>, <c>dark</c> or <c>light</c>.</param>
    /// <param name="Labels"><c>wired</c> or <c>plain</c>.</param>
    /// <param name="LabelsChosen">The labels were chosen.</param>
    /// <param name="Density"><c>normal</c> or <c>compact</c>.</param>
    /// <param name="UndoSeconds">0, 5 or 10.</param>
    /// <param name="Keys">Keys by command, added to the stored ones: an empty text switches a key off, null restores
    /// the usual key.</param>
    /// <param name="Notify"><c>notify</c>, <c>count</c> or <c>silent</c> by urgency: <c>now</c>, <c>soon</c>,
    /// <c>fyi</c>.</param>
    /// <param name="Sound">A notification makes a sound.</param>
    /// <param name="Scanlines">The dark theme shows faint lines.</param>
    /// <param name="Starred">All starred agents.</param>
    /// <param name="NotifyKinds"><c>notify</c>, <c>count</c> or <c>silent</c> by kind of waiting thing, added to the
    /// stored ones; null lets the kind be reported as its urgency.</param>
    /// <param name="Muted">All muted agents.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record Command(
        string? Theme = null,
        string? Labels = null,
        bool? LabelsChosen = null,
        string? Density = null,
        int? UndoSeconds = null,
        IReadOnlyDictionary<string, string?>? Keys = null,
        IReadOnlyDictionary<string, string>? Notify = null,
        bool? Sound = null,
        bool? Scanlines = null,
        IReadOnlyList<string>? Starred = null,
        IReadOnlyDictionary<string, string?>? NotifyKinds = null,
        IReadOnlyList<string>? Muted = null
    ) : IRequest<Result>;

    internal sealed record Result(PreferencesView Preferences);

    internal sealed class Validator : AbstractValidator<Command>
    {
        private static readonly string[] Urgencies = ["now", "soon", "fyi"];

        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Theme).Must(IsWord<Theme>).WithMessage($"'theme' must be {Words<Theme>()}");
            RuleFor(c => c.Labels).Must(IsWord<Labels>).WithMessage($"'labels' must be {Words<Labels>()}");
            RuleFor(c => c.Density).Must(IsWord<Density>).WithMessage($"'density' must be {Words<Density>()}");
            RuleFor(c => c.UndoSeconds)
                .Must(seconds => seconds is null or 0 or 5 or 10)
                .WithMessage("'undo_seconds' must be 0, 5 or 10");
            RuleForEach(c => c.Keys)
                .Must(key => IsShort(key.Key, CommandBytes) && key.Key.Length > 0 && IsShort(key.Value, KeyBytes))
                .WithMessage(
                    $"'keys' must name commands with 1 to {CommandBytes} bytes and keys with at most {KeyBytes} bytes"
                );
            RuleFor(c => c.Keys)
                .Must(keys => keys is null || keys.Count <= MostKeys)
                .WithMessage($"'keys' has too many commands; the limit is {MostKeys}");
            RuleForEach(c => c.Notify)
                .Must(notice => Urgencies.Contains(notice.Key))
                .WithMessage("'notify' must name urgencies: now, soon or fyi");
            RuleForEach(c => c.Notify)
                .Must(notice => IsWord<Notice>(notice.Value))
                .WithMessage($"'notify' must give each urgency {Words<Notice>()}");
            RuleForEach(c => c.NotifyKinds)
                .Must(notice => IsKind(notice.Key))
                .WithMessage(
                    $"'notify_kinds' must name kinds of waiting things: 1 to {KindBytes} lower-case letters and '_'"
                );
            RuleForEach(c => c.NotifyKinds)
                .Must(notice => IsWord<Notice>(notice.Value))
                .WithMessage($"'notify_kinds' must give each kind {Words<Notice>()}, or null");
            RuleFor(c => c.NotifyKinds)
                .Must(kinds => kinds is null || kinds.Count <= MostKinds)
                .WithMessage($"'notify_kinds' has too many kinds; the limit is {MostKinds}");
            MustBeAgents(c => c.Starred, "starred");
            MustBeAgents(c => c.Muted, "muted");

            void MustBeAgents(Expression<Func<Command, IReadOnlyList<string>?>> agents, string name)
            {
                RuleFor(agents)
                    .Must(given => given is null || given.All(one => one is not null && names.IsWellFormed(one)))
                    .WithMessage($"'{name}' must be a list of agents' names");
                RuleFor(agents)
                    .Must(given => given is null || given.Count <= MostStarred)
                    .WithMessage($"'{name}' has too many agents; the limit is {MostStarred}");
            }
        }

        private static bool IsKind(string kind) =>
            kind.Length is > 0 and <= KindBytes && kind.All(c => c is (>= 'a' and <= 'z') or '_');

        private static bool IsShort(string? text, int bytes) =>
            text is null || (Encoding.UTF8.GetByteCount(text) <= bytes && !text.Any(char.IsControl));

        private static bool IsWord<T>(string? word)
            where T : struct, Enum => word is null || Enum.GetValues<T>().Any(value => WordOf(value) == word);

        private static string Words<T>()
            where T : struct, Enum
        {
            string[] words = [.. Enum.GetValues<T>().Select(WordOf)];
            return $"{string.Join(", ", words[..^1])} or {words[^1]}";
        }
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var changed = Merge(StoredPreferences.Read(write.Db), command);
                    if (changed.Keys.Count > MostKeys)
                        throw Problem.TooLarge(
                            $"'keys' would change {changed.Keys.Count} commands; the limit is {MostKeys}; "
                                + "restore some with null"
                        );
                    if (changed.NotifyKinds.Count > MostKinds)
                        throw Problem.TooLarge(
                            $"'notify_kinds' would name {changed.NotifyKinds.Count} kinds; the limit is {MostKinds}; "
                                + "restore some with null"
                        );
                    StoredPreferences.Write(write, changed);
                    write.Raise(new PreferencesChanged(changed));
                    return new Result(changed);
                },
                CancellationToken.None
            );

        private static PreferencesView Merge(PreferencesView stored, Command command) =>
            new(
                Value(command.Theme, stored.Theme),
                Value(command.Labels, stored.Labels),
                command.LabelsChosen ?? stored.LabelsChosen,
                Value(command.Density, stored.Density),
                command.UndoSeconds ?? stored.UndoSeconds,
                Merge(stored.Keys, command.Keys, key => key),
                new NotifyPreferences(
                    Value(command.Notify?.GetValueOrDefault("now"), stored.Notify.Now),
                    Value(command.Notify?.GetValueOrDefault("soon"), stored.Notify.Soon),
                    Value(command.Notify?.GetValueOrDefault("fyi"), stored.Notify.Fyi)
                ),
                command.Sound ?? stored.Sound,
                command.Scanlines ?? stored.Scanlines,
                command.Starred is { } starred ? [.. starred.Distinct()] : stored.Starred,
                Merge(stored.NotifyKinds, command.NotifyKinds, word => Value(word, Notice.Notify)),
                command.Muted is { } muted ? [.. muted.Distinct()] : stored.Muted
            );

        // Null removes an entry.
        private static Dictionary<string, T> Merge<T>(
            IReadOnlyDictionary<string, T> stored,
            IReadOnlyDictionary<string, string?>? given,
            Func<string, T> valueOf
        )
        {
            var merged = stored.ToDictionary();
            foreach (var (name, value) in given ?? new Dictionary<string, string?>())
            {
                if (value is null)
                    merged.Remove(name);
                else
                    merged[name] = valueOf(value);
            }

            return merged.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary();
        }

        private static T Value<T>(string? word, T stored)
            where T : struct, Enum =>
            word is null ? stored : Enum.GetValues<T>().Single(value => WordOf(value) == word);
    }

    private static string WordOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
