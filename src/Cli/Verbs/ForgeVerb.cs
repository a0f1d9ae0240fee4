using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>How the forge stands, and another look at everything on it.</summary>
internal static class ForgeVerb
{
    private const int ShownError = 160;

    public static Command Create() =>
        new("forge", "The git forge: accounts of agents, and what is pushed there.")
        {
            HostVerb.Create(
                "status",
                "Show whether the forge answers, who has an account there, and what is behind.",
                async (verb, _) => Show(verb, await verb.CallAsync("forge_status"))
            ),
            HostVerb.Create(
                "sync",
                "Look at every account and repository now, and try again what failed; what is behind still is exit code 1.",
                async (verb, _) =>
                {
                    var forge = Show(verb, await verb.CallAsync("forge_sync"));
                    if (forge.State != ForgeState.Up)
                        throw new HiveException("unavailable", $"the forge is {forge.State}: {forge.Note}");
                    var wanting = forge
                        .Accounts.Where(a => !a.HasToken)
                        .Select(a => $"{a.Agent} has no token")
                        .Concat(forge.Repositories.Where(r => r.Behind).Select(r => $"{r.Name} is behind"))
                        .ToArray();
                    if (wanting.Length > 0)
                        throw new HiveException(
                            "unavailable",
                            $"{string.Join(", ", wanting)}; it is tried again by itself"
                        );
                }
            ),
        };

    private static ForgeView Show(HostVerb verb, JsonElement answer)
    {
        var forge = answer.GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;
        if (verb.Json)
        {
            HostVerb.Print(answer);
            return forge;
        }

        verb.Screen.Line(
            forge.State switch
            {
                ForgeState.Off => $"The forge is off: {forge.Note}",
                ForgeState.Up =>
                    $"The forge at {forge.Url} ({forge.Mode}) answers.{(forge.Note is null ? "" : $" {forge.Note}")}",
                ForgeState.Down => $"The forge at {forge.Url} ({forge.Mode}) does not work now: {forge.Note}",
                _ => $"The forge at {forge.Url} has not been asked yet.",
            }
        );
        if (forge.State != ForgeState.Off)
            verb.Screen.Table(
                ["account", "token", "repository", "pushed", "head", Screen.Column.Text("wrong")],
                [.. forge.Repositories.Select(r => Cells(r, forge.Accounts.FirstOrDefault(a => a.Agent == r.Agent)))]
            );
        return forge;
    }

    private static Screen.Cell[] Cells(ForgeRepository repository, ForgeAccount? account) =>
        [
            repository.Agent ?? "",
            account is null ? ""
            : account.HasToken ? new Screen.Cell("yes", "green")
            : new Screen.Cell("no", "red"),
            repository.Name,
            repository switch
            {
                { Behind: true, Attempts: > 0 } => new Screen.Cell(
                    string.Create(CultureInfo.InvariantCulture, $"behind, failed {repository.Attempts} times"),
                    "red"
                ),
                { Behind: true } => new Screen.Cell("behind", "yellow"),
                { PushedAt: null } => new Screen.Cell("never", "grey"),
                _ => new Screen.Cell(Screen.Age(repository.PushedAt), "grey"),
            },
            repository.Head,
            new Screen.Cell(
                Beginning(string.Join("; ", new[] { account?.Error, repository.Error }.OfType<string>())),
                "red"
            ),
        ];

    // --json has all of it.
    private static string Beginning(string text) =>
        Plain.OneLine(
            text.Length <= ShownError
                ? text
                : string.Concat(
                    text.AsSpan(0, char.IsHighSurrogate(text[ShownError - 1]) ? ShownError - 1 : ShownError),
                    "…"
                )
        );
}
