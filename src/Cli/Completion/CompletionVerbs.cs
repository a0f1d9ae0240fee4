using System.CommandLine;
using Hive.Cli.Terminal;

namespace Hive.Cli.Completion;

/// <summary><c>hive completion</c>: prints the script with which a shell completes verbs, flags, agents and
/// ids.</summary>
internal static class CompletionVerbs
{
    private const string Bash = """
        # hive's completion for bash: source <(hive completion bash)
        _hive() {
            local line=${COMP_LINE:0:COMP_POINT} cut word
            local -a words
            read -ra words <<<"$line"
            [[ $line == *[[:space:]] ]] && words+=("")
            # Bash replaces what follows the last of its word breaks, such as @ and =.
            cut=${words[-1]}
            [[ ${#words[@]} -gt 1 ]] || return
            cut=${cut%"${COMP_WORDS[COMP_CWORD]}"}
            [[ ${COMP_WORDS[COMP_CWORD]} == [=@:] ]] && cut=${words[-1]}
            COMPREPLY=()
            while IFS= read -r word; do
                COMPREPLY+=("${word#"$cut"}")
            done < <("${words[0]}" __complete bash "${words[@]:1}" 2>/dev/null)
        }
        complete -o default -F _hive hive ./hive
        """;

    private const string Zsh = """
        #compdef hive
        # hive's completion for zsh: source <(hive completion zsh), or save it as _hive in a folder of $fpath.
        _hive() {
            local -a found
            found=("${(@f)$(${words[1]} __complete zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            if [[ -n ${found[1]} ]]; then
                _describe -V hive found
            else
                _files
            fi
        }
        if [[ ${funcstack[1]} == _hive ]]; then
            _hive "$@"
        else
            compdef _hive hive
        fi
        """;

    private const string Fish = """
        # hive's completion for fish: hive completion fish | source
        function __hive_complete
            set -l words (commandline -opc)
            $words[1] __complete fish $words[2..] (commandline -ct) 2>/dev/null
        end
        complete -c hive -e
        complete -c hive -f -k -a '(__hive_complete)'
        complete -c hive -n '__fish_seen_subcommand_from backup' -F
        """;

    public static Command[] All() => [Completion()];

    private static Command Completion()
    {
        var shell = new Argument<string>("SHELL")
        {
            Description =
                "bash (source <(hive completion bash)), zsh (source <(hive completion zsh)) or fish (hive "
                + "completion fish | source)",
        }.CompletedBy("bash", "zsh", "fish");
        var command = new Command("completion", "Print the completion script of a shell: verbs, flags, agents and ids.")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            var named = parsed.GetRequiredValue(shell);
            Display.Current.Output.WriteLine(
                named switch
                {
                    "bash" => Bash,
                    "zsh" => Zsh,
                    "fish" => Fish,
                    _ => throw new UsageException($"unknown shell '{Plain.OneLine(named)}'; choose bash, zsh or fish"),
                }
            );
        });
        return command;
    }
}
