// A study under Nextflow: nextflow run main.nf --study study.toml
params.study = 'study.toml'

process unit {
    cpus 2
    memory { "${label[1]} MB" }

    input:
    val label

    output:
    val true

    script:
    "bakusoku run ${file(params.study).toAbsolutePath()} --unit ${label[0]} --n-jobs ${task.cpus}"
}

process group {
    input:
    val ready

    script:
    "bakusoku group ${file(params.study).toAbsolutePath()}"
}

workflow {
    plan = new groovy.json.JsonSlurper().parseText("bakusoku plan ${params.study} --json".execute().text)
    units = channel.fromList(plan.units.collect { [it.label, (it.memory / 1048576 as long) + 500] })
    group(unit(units).collect())
}
