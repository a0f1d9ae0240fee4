using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Forge;

internal static class ForgeVerbs
{
    public static Command[] All() => [Forge()];

    private static Command Forge() =>
        new("forge", "Show or sync the git forge: agents' accounts and repositories.")
        {
            Verb.Create(
                "status",
                "Show whether the forge answers, and its accounts and repositories.",
                async (verb, _) => Show(verb, await verb.CallAsync("forge_status")),
                CommonOptions.Wide()
            ),
            Verb.Create(
                "sync",
                "Sync every account and repository now; exit 1 when something is still behind.",
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
                            $"{string.Join(", ", wanting)}; Hive retries automatically"
                        );
                },
                CommonOptions.Wide()
            ),
        };

    private static ForgeView Show(VerbContext verb, JsonElement answer)
    {
        var forge = answer.GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;
        if (verb.Json)
        {
            JsonOutput.Print(answer);
            return forge;
        }

        verb.Screen.Line(
            forge.State switch
            {
                ForgeState.Off => $"The forge is off: {forge.Note}",
                ForgeState.Up =>
                    $"The forge at {forge.Url} ({forge.Mode}) answers.{(forge.Note is null ? "" : $" {forge.Note}")}",
                ForgeState.Down => $"The forge at {forge.Url} ({forge.Mode}) is down: {forge.Note}",
                _ => $"The forge at {forge.Url} has not been checked yet.",
            }
        );
        if (forge.State != ForgeState.Off)
            verb.Screen.Table(
                [Screen.Column.Name("repository"), "pushed", "token", "account", "head", Screen.Column.Text("error")],
                [.. forge.Repositories.Select(r => Cells(r, forge.Accounts.FirstOrDefault(a => a.Agent == r.Agent)))]
            );
        return forge;
    }

    private static Screen.Cell[] Cells(ForgeRepository repository, ForgeAccount? account) =>
        [
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
            account is null ? ""
            : account.HasToken ? new Screen.Cell("yes", "green")
            : new Screen.Cell("no", "red"),
            repository.Agent ?? "",
            repository.Head,
            new Screen.Cell(string.Join("; ", new[] { account?.Error, repository.Error }.OfType<string>()), "red"),
        ];
}
