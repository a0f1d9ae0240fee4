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
    private const int CommandBytes = 64;
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
        IReadOnlyList<string>? Starred = null
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
            RuleForEach(c => c.Starred)
                .Must(name => name is not null && names.IsWellFormed(name))
                .WithMessage("'starred' must be a list of agents' names");
            RuleFor(c => c.Starred)
                .Must(starred => starred is null || starred.Count <= MostStarred)
                .WithMessage($"'starred' has too many agents; the limit is {MostStarred}");
        }

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
                Merge(stored.Keys, command.Keys),
                new NotifyPreferences(
                    Value(command.Notify?.GetValueOrDefault("now"), stored.Notify.Now),
                    Value(command.Notify?.GetValueOrDefault("soon"), stored.Notify.Soon),
                    Value(command.Notify?.GetValueOrDefault("fyi"), stored.Notify.Fyi)
                ),
                command.Sound ?? stored.Sound,
                command.Scanlines ?? stored.Scanlines,
                command.Starred is { } starred ? [.. starred.Distinct()] : stored.Starred
            );

        private static Dictionary<string, string> Merge(
            IReadOnlyDictionary<string, string> stored,
            IReadOnlyDictionary<string, string?>? given
        )
        {
            var keys = stored.ToDictionary();
            foreach (var (command, key) in given ?? new Dictionary<string, string?>())
            {
                if (key is null)
                    keys.Remove(command);
                else
                    keys[command] = key;
            }

            return keys.OrderBy(key => key.Key, StringComparer.Ordinal).ToDictionary();
        }

        private static T Value<T>(string? word, T stored)
            where T : struct, Enum =>
            word is null ? stored : Enum.GetValues<T>().Single(value => WordOf(value) == word);
    }

    private static string WordOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
